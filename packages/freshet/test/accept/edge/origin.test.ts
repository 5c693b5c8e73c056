import { FreshetError } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isOriginAllowed,
  isOriginAllowedSomewhere,
  originFault,
  sourcesOf,
} from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { edgeWith, quiet, siteWith, webRequest } from "./fixture.ts";

const allowedOrigins = ["https://shop.example", "https://*.shop.example", "http://localhost:3000"];
const edge = edgeWith({ ...quiet, allowedOrigins });
const source = { name: "web", writeKey: "WK", kind: "browser", ...(edge && { edge }) } as const;

describe("allowed origins", () => {
  it.each([
    ...["https://shop.example", "https://www.shop.example", "https://a.b.shop.example"],
    "http://localhost:3000",
  ])("take %s", (origin) => expect(isOriginAllowed(source, origin)).toBe(true));

  it.each([
    ...["http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example"],
    ...["https://evilshop.example", "https://.shop.example", "https://a..shop.example", "null", ""],
    ...["https://a/.shop.example", "https://user@x.shop.example", "http://localhost:30000"],
    "https://evil.example#.shop.example",
  ])("refuse %s", (origin) => expect(isOriginAllowed(source, origin)).toBe(false));

  it("let pass what is from no page, and everything where a source names none", () => {
    expect(isOriginAllowed(source, undefined)).toBe(true);
    const open = { name: "open", writeKey: "O", kind: "browser" } as const;
    expect(isOriginAllowed(open, "https://anywhere.example")).toBe(true);
  });

  it("allow by a star nothing but one origin with names before its host", () => {
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(fc.string({ unit: "binary", maxLength: 30 }), (text) => {
          const origin = `https://${text}.shop.example`;
          if (!isOriginAllowed(source, origin)) return;
          const { hostname, origin: parsed } = new URL(origin);
          expect(parsed).toBe(origin);
          expect(hostname.endsWith(".shop.example")).toBe(true);
        }),
        { seed, numRuns: 3000 },
      ),
    );
  });

  it.each(["*", "shop.example", "https://shop.example/", "https://*", "https://sho*.example"])(
    "cannot be written as %s",
    (text) => expect(originFault(text)).toContain("https://shop.example"),
  );

  it("count for preflights only where browsers have the key", () => {
    const shut = sourcesOf([source, { name: "shop", writeKey: "SK", kind: "server" }]);
    expect(isOriginAllowedSomewhere(shut, "https://evil.example")).toBe(false);
    expect(isOriginAllowedSomewhere(shut, "https://shop.example")).toBe(true);
    const open = sourcesOf([source, { name: "open", writeKey: "O", kind: "browser" }]);
    expect(isOriginAllowedSomewhere(open, "https://evil.example")).toBe(true);
  });

  it("are asked before the body is read, and of keys in the body as well", () => {
    const site = siteWith({ ...quiet, allowedOrigins });
    const from = (headers: object, body: string) => () =>
      site.send(
        {},
        { headers: { origin: "https://evil.example", ...headers }, body: Buffer.from(body) },
      );
    expect(from(webRequest.headers ?? {}, "no JSON")).toThrow(
      new FreshetError(
        "originForbidden",
        'source "web" takes nothing from the origin "https://evil.example"',
      ),
    );
    expect(from({}, '{"batch":[],"writeKey":"WK"}')).toThrow("takes nothing");
    const counts = site.context.sources.byKey.get("WK")?.edge?.counts;
    expect(Object.fromEntries(counts?.entries() ?? [])).toEqual({ originRefused: 2 });
  });
});
