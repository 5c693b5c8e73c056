import { type Analytics, AnalyticsBrowser } from "@segment/analytics-next";
import { fields, text } from "../json.ts";
import { ask } from "./api.ts";

/**
 * The real Segment SDK, pointed at the shop's own origin.
 * C1 Calls before the SDK is ready are kept in order, with the time they were made.
 * C2 No call throws or rejects: capture never breaks a page.
 */
export interface Capture {
  page(name: string): void;
  track(event: string, properties?: object): void;
  identify(userId: string, traits: object): void;
  /** Forgets user and anonymous id: to Freshet this is a device that it has never seen. */
  reset(): void;
  anonymousId(): string | undefined;
  userId(): string | undefined;
}

export interface CaptureOptions {
  /** Called once, when the SDK knows who the visitor is. */
  readonly ready: () => void;
  /** Called each time the SDK could not be started; it is tried again. */
  readonly failed: () => void;
  /** Called for every event that is handed to the SDK. */
  readonly sent: () => void;
}

type Call = (sdk: Analytics, timestamp: Date) => Promise<unknown>;

/** Past it the oldest go: a page that is offline for hours must not grow without bound. */
const WAITING_MAX = 200;
const RETRY_MS = 4000;

export function startCapture(options: CaptureOptions): Capture {
  let sdk: Analytics | undefined;
  let waiting: { readonly call: Call; readonly at: Date }[] = [];

  const send = (call: Call): void => {
    options.sent();
    if (sdk !== undefined) quietly(call(sdk, new Date()));
    else waiting = [...waiting, { call, at: new Date() }].slice(-WAITING_MAX);
  };
  void loadUntilReady(options.failed).then((loaded) => {
    sdk = loaded;
    for (const { call, at } of waiting) quietly(call(loaded, at));
    waiting = [];
    options.ready();
  });
  return {
    page(name) {
      // The SDK leaves hashes out, and here the hash is the address.
      const place = { path: location.hash.slice(1) || "/", url: location.href };
      send((it, timestamp) => it.page(undefined, name, place, { timestamp }));
    },
    track: (event, properties = {}) =>
      send((it, timestamp) => it.track(event, properties, { timestamp })),
    identify: (userId, traits) =>
      send((it, timestamp) => it.identify(userId, traits, { timestamp })),
    // Before the SDK is there, the reset keeps its place among the waiting calls.
    reset: () => (sdk ? void sdk.reset() : send(async (it) => it.reset())),
    anonymousId: () => sdk?.user().anonymousId() ?? undefined,
    userId: () => sdk?.user().id() ?? undefined,
  };
}

async function loadUntilReady(failed: () => void): Promise<Analytics> {
  for (;;) {
    const sdk = await load();
    if (sdk !== undefined) return sdk;
    failed();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function load(): Promise<Analytics | undefined> {
  const session = await ask("/shop/session");
  const writeKey = session.ok ? text(fields(session.body).writeKey) : "";
  if (writeKey === "") return undefined;
  const protocol = location.protocol === "https:" ? "https" : "http";
  const segment = { apiHost: `${location.host}/v1`, protocol } as const;
  try {
    const [sdk] = await AnalyticsBrowser.load(
      { writeKey, cdnURL: location.origin },
      { integrations: { "Segment.io": segment } },
    );
    return sdk;
  } catch {
    return undefined;
  }
}

function quietly(work: Promise<unknown>): void {
  work.catch(() => {
    // The SDK retries by itself; what it gives up on is told by the server's ledger.
  });
}
