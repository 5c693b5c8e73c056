import { readJson } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentReader, edgeLimits } from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { onlyEvent } from "../fixture.ts";
import {
  chrome,
  googlebot,
  headless,
  iphone,
  shopRequest,
  siteWith,
  webRequest,
} from "./fixture.ts";

const ipad = iphone.replace("iPhone; CPU iPhone OS", "iPad; CPU OS");
const android =
  "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
const television =
  "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36";

describe("a user agent", () => {
  const read = agentReader([]);

  it.each([
    [chrome, "desktop", "Chrome", "Windows"],
    [iphone, "mobile", "Safari", "iOS"],
    [ipad, "tablet", "Safari", "iOS"],
    [android, "mobile", "Chrome", "Android"],
    [googlebot, "bot", "Googlebot", undefined],
    [television, "other", expect.any(String), expect.any(String)],
    ["", "other", undefined, undefined],
  ])("%s is %s", (text, deviceClass, browser, os) => {
    const agent = read(text);
    expect(agent.deviceClass).toBe(deviceClass);
    expect(agent.browser?.name).toEqual(browser);
    expect(agent.os?.name).toEqual(os);
  });

  it("is read once for each text, and never beyond its limit", () => {
    expect(read(chrome)).toBe(read(chrome));
    const long = `${chrome}${"x".repeat(100_000)}`;
    expect(read(long)).toBe(read(long.slice(0, edgeLimits.agentCharsMax)));
  });

  it("may be a bot to you alone", () => {
    const own = agentReader(["shopzeta", /Omega\/\d+$/g]);
    for (const end of ["ShopZeta/1.0", "Omega/7", "Omega/8"])
      expect(own(`${chrome} ${end}`).isBot, end).toBe(true);
    expect(own(`${chrome} Omega/x`).isBot).toBe(false);
    expect(own(chrome).isBot).toBe(false);
  });

  it("of any text gives a class, and the same one again", () => {
    withSeed(import.meta.url, (seed) => {
      const parts = fc.constantFrom(
        chrome,
        iphone,
        googlebot,
        "(",
        ";",
        "/",
        "Android ",
        "\ud800",
        "OS X 1",
      );
      const text = fc.array(fc.oneof(parts, fc.string({ unit: "binary" })), { maxLength: 6 });
      fc.assert(
        fc.property(
          text.map((all) => all.join("")),
          (text) => {
            const agent = read(text);
            expect(["desktop", "mobile", "tablet", "bot", "other"]).toContain(agent.deviceClass);
            expect(agent.isBot).toBe(agent.deviceClass === "bot");
            expect(agentReader([])(text)).toEqual(agent);
            expect(readJson(JSON.stringify(agent.browser ?? null))).toEqual(agent.browser ?? null);
          },
        ),
        { seed, numRuns: 500 },
      );
    });
  });
});

describe("an event's context", () => {
  it("gets device, browser and system from its own user agent", () => {
    const event = onlyEvent(siteWith({}).send({ context: { userAgent: iphone, locale: "de" } }));
    expect(event.context).toEqual({
      ...{ userAgent: iphone, locale: "de", ip: "203.0.113.77" },
      device: { class: "mobile" },
      browser: { name: "Safari", version: "17.5" },
      os: { name: "iOS", version: "17.5" },
    });
  });

  it("keeps what the client knows better", () => {
    const sent = { device: { id: "d1", type: "ios" }, os: { name: "iPadOS" }, browser: null };
    const event = onlyEvent(siteWith({}).send({ context: { userAgent: iphone, ...sent } }));
    expect(event.context).toMatchObject({
      device: { id: "d1", type: "ios", class: "mobile" },
      os: { name: "iPadOS" },
      browser: { name: "Safari" },
    });
  });

  it("gets that of the request where a browser made it and no library speaks for it", () => {
    const site = siteWith({});
    const headers = { ...webRequest.headers, userAgent: chrome };
    expect(onlyEvent(site.send({}, { headers })).context).toMatchObject({
      ...{ userAgent: chrome, device: { class: "desktop" } },
    });
    const ofLibrary = site.send({ context: { library: { name: "node" } } }, { headers });
    expect(onlyEvent(ofLibrary).context?.userAgent).toBeUndefined();
    const ofServer = { headers: { ...shopRequest.headers, userAgent: "node" } };
    expect(onlyEvent(site.send({}, ofServer)).context).toBeUndefined();
  });

  it("is left alone where nothing is asked for", () => {
    const off = siteWith({ bots: "ignore", context: { device: false, campaign: false } });
    expect(off.context.sources.byKey.get("WK")?.edge).toBeUndefined();
    const event = onlyEvent(off.send({ context: { userAgent: headless } }));
    expect(event.context).toEqual({ userAgent: headless, ip: "203.0.113.77" });
  });
});
