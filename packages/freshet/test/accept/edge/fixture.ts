import {
  type AcceptContext,
  type Accepted,
  accept,
  agentReader,
  type CaptureRequest,
  createEdge,
  type EdgePolicy,
  type EdgeServices,
  keyedHash,
  sourcesOf,
} from "../../../src/accept/index.ts";
import { contextWith, requestOf } from "../fixture.ts";

export const hashKey = "a hash key of some length";

/** Nothing but what a test asks for: looking at user agents and campaigns is on otherwise. */
export const quiet: EdgePolicy = {
  bots: "ignore",
  context: { device: false, campaign: false, geo: false },
};

export function edgeWith(policy: EdgePolicy, services: Partial<EdgeServices> = {}) {
  return createEdge(policy, {
    source: "web",
    agents: agentReader,
    locate: undefined,
    hash: () => keyedHash(hashKey),
    readKeySet: () => null,
    ...services,
  });
}

export interface Site {
  readonly context: AcceptContext;
  /** Sends one Segment track event, or what is given over it, with the browser key. */
  send(event?: object, request?: Partial<CaptureRequest>): Accepted;
}

/** One source of each kind with the same policy: "web" for browsers (key WK), "shop" for servers (key SK). */
export function siteWith(
  policy: EdgePolicy,
  services: Partial<EdgeServices> = {},
  changes: Partial<AcceptContext> = {},
): Site {
  const of = (name: string) => {
    const edge = edgeWith(policy, { source: name, ...services });
    return edge === undefined ? {} : { edge };
  };
  const sources = sourcesOf(
    [
      { name: "web", writeKey: "WK", kind: "browser", ...of("web") },
      { name: "shop", writeKey: "SK", kind: "server", ...of("shop") },
    ],
    edgeWith(policy, { source: "", ...services }),
  );
  const context = contextWith({ sources, ...changes });
  return {
    context,
    send(event = {}, request = {}) {
      const whole = { type: "track", event: "E", anonymousId: "a1", messageId: "m1", ...event };
      return accept(
        requestOf("segment-batch", { batch: [whole] }, { ...webRequest, ...request }),
        context,
      );
    },
  };
}

export const webRequest: Partial<CaptureRequest> = {
  headers: { authorization: `Basic ${btoa("WK:")}` },
  remoteAddress: "203.0.113.77",
};

export const shopRequest: Partial<CaptureRequest> = {
  headers: { authorization: `Basic ${btoa("SK:")}` },
};

export const chrome =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
export const iphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
export const googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
export const headless = chrome.replace("Chrome/", "HeadlessChrome/");
