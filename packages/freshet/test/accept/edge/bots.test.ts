import { describe, expect, it } from "vitest";
import { type EdgePolicy, edgeLimits } from "../../../src/accept/index.ts";
import { now, onlyEvent, onlyLetter } from "../fixture.ts";
import {
  chrome,
  googlebot,
  headless,
  quiet,
  shopRequest,
  siteWith,
  webRequest,
} from "./fixture.ts";

const counts = (site: ReturnType<typeof siteWith>, key = "WK") =>
  Object.fromEntries(site.context.sources.byKey.get(key)?.edge?.counts.entries() ?? []);

describe("an event of a bot", () => {
  it("is marked and counted unless said", () => {
    const site = siteWith({});
    const event = onlyEvent(site.send({ context: { userAgent: googlebot } }));
    expect(event.context).toMatchObject({ bot: true, device: { class: "bot" } });
    expect(counts(site)).toEqual({ bot: 1 });
    expect(onlyEvent(site.send({ context: { userAgent: chrome } })).context?.bot).toBeUndefined();
  });

  it("is a dead letter where bots are refused", () => {
    const site = siteWith({ bots: "refuse" });
    const letter = onlyLetter(site.send({ context: { userAgent: googlebot } }));
    expect(letter).toMatchObject({ code: "botRefused", id: "m1", source: "web" });
    expect(counts(site)).toEqual({ botRefused: 1 });
    expect(onlyEvent(site.send({ context: { userAgent: chrome } })).id).toBe("m1");
  });

  it("is as all others where nobody looks", () => {
    const event = onlyEvent(
      siteWith({ bots: "ignore" }).send({ context: { userAgent: googlebot } }),
    );
    expect(event.context?.bot).toBeUndefined();
    expect(event.context?.device).toEqual({ class: "bot" });
  });

  it("may be named by patterns of one's own", () => {
    const policy: EdgePolicy = { botPatterns: ["shopmonitor", /^Check\//] };
    for (const userAgent of ["ShopMonitor/2", "Check/1"])
      expect(onlyEvent(siteWith(policy).send({ context: { userAgent } })).context?.bot).toBe(true);
  });

  it("cannot be claimed, nor can suspicion", () => {
    const context = { userAgent: chrome, bot: true, suspicious: "headless" };
    expect(onlyEvent(siteWith({}).send({ context })).context).not.toMatchObject({ bot: true });
    const policy: EdgePolicy = { ...quiet, context: { device: false, campaign: true, geo: false } };
    const kept = onlyEvent(siteWith(policy).send({ context: { bot: true, locale: "de" } }));
    expect(kept.context).toEqual({ locale: "de", ip: "203.0.113.77" });
  });
});

describe("a suspicious client", () => {
  it("is a browser without a window", () => {
    const site = siteWith({});
    expect(onlyEvent(site.send({ context: { userAgent: headless } })).context).toMatchObject({
      ...{ suspicious: "headless", bot: true },
    });
    expect(counts(site)).toEqual({ bot: 1, suspicious: 1 });
  });

  it("is a browser that does not say what it is", () => {
    const site = siteWith({ ...quiet, suspicious: true });
    expect(onlyEvent(site.send()).context?.suspicious).toBe("userAgentMissing");
    const headers = { ...webRequest.headers, userAgent: chrome };
    expect(onlyEvent(site.send({}, { headers })).context?.suspicious).toBeUndefined();
    expect(onlyEvent(site.send({}, shopRequest)).context?.suspicious).toBeUndefined();
    const off = siteWith({ ...quiet, suspicious: { userAgentMissing: false } });
    expect(onlyEvent(off.send()).context?.suspicious).toBeUndefined();
  });

  it("sends more than the limit within one second, by id or by address", () => {
    const eventsPerSecond = 5;
    const policy: EdgePolicy = {
      ...quiet,
      suspicious: { eventsPerSecond, userAgentMissing: false },
    };
    const marks = (site: ReturnType<typeof siteWith>, event: (at: number) => object) =>
      Array.from({ length: 7 }, (_, at) => onlyEvent(site.send(event(at))).context?.suspicious);
    const expected = [...Array(5).fill(undefined), "tooFast", "tooFast"];
    const byId = siteWith(policy);
    expect(marks(byId, (at) => ({ messageId: `m${at}` }))).toEqual(expected);
    const byAddress = siteWith(policy);
    expect(marks(byAddress, (at) => ({ anonymousId: `a${at}` }))).toEqual(expected);
    expect(counts(byAddress)).toEqual({ suspicious: 2 });
    const ofServer = siteWith(policy);
    for (let at = 0; at < 7; at++)
      expect(
        onlyEvent(ofServer.send({ anonymousId: `a${at}` }, shopRequest)).context,
      ).toBeUndefined();
  });

  it("is judged by the clock that accept is given", () => {
    const policy: EdgePolicy = {
      ...quiet,
      suspicious: { eventsPerSecond: 1, userAgentMissing: false },
    };
    const site = siteWith(policy);
    const at = (ms: number) =>
      onlyEvent(siteAt(site, now + ms).send({ messageId: `m${ms}` })).context?.suspicious;
    expect([at(0), at(1), at(999), at(1000), at(1001)]).toEqual([
      ...[undefined, "tooFast", "tooFast", undefined, "tooFast"],
    ]);
  });

  it("has a named limit", () => {
    const site = siteWith({ ...quiet, suspicious: true });
    const count = edgeLimits.suspiciousEventsPerSecond;
    const reasons = Array.from({ length: count + 1 }, (_, at) => {
      const event = { messageId: `m${at}`, context: { userAgent: chrome } };
      return onlyEvent(site.send(event)).context?.suspicious;
    });
    expect(reasons.filter((reason) => reason !== undefined)).toEqual(["tooFast"]);
  });
});

/** The same site at another moment. */
function siteAt(site: ReturnType<typeof siteWith>, at: number): ReturnType<typeof siteWith> {
  const moved = siteWith({}, {}, { ...site.context, now: at });
  return moved;
}
