import { readJson } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withSeed } from "../../../src/testing/seed.ts";
import { onlyEvent } from "../fixture.ts";
import { quiet, siteWith } from "./fixture.ts";

const site = siteWith({ ...quiet, context: { device: false, campaign: true } });
const campaignOf = (context: object) => onlyEvent(site.send({ context })).context?.campaign;

describe("a campaign", () => {
  it("is read from the search or the address of the page", () => {
    const search = "?utm_source=news&utm_medium=mail&utm_campaign=may&utm_term=a+b&gclid=g1&x=y";
    const expected = { source: "news", medium: "mail", name: "may", term: "a b", gclid: "g1" };
    expect(campaignOf({ page: { search } })).toEqual(expected);
    expect(campaignOf({ page: { url: `https://shop.example/a${search}#utm_term=no` } })).toEqual(
      expected,
    );
    expect(campaignOf({ page: { search: "?fbclid=f&msclkid=m&ttclid=t" } })).toEqual({
      ...{ fbclid: "f", msclkid: "m", ttclid: "t" },
    });
  });

  it("stays as the client sent it", () => {
    const page = { search: "?utm_source=news" };
    expect(campaignOf({ page, campaign: { source: "own" } })).toEqual({ source: "own" });
    expect(campaignOf({ page, campaign: null })).toEqual({ source: "news" });
  });

  it.each([
    ...[{}, { page: "x" }, { page: {} }, { page: { search: "" } }, { page: { search: 5 } }],
    ...[{ page: { search: "?q=1" } }, { page: { url: "utm_source=no" } }],
    ...[{ page: { search: "?utm_source=" } }, { page: { search: "?not_utm_source=a" } }],
  ])("is not there for %j", (context) => expect(campaignOf(context)).toBeUndefined());

  it("is bounded, whatever the address", () => {
    const many = Array.from({ length: 100 }, (_, at) => `utm_p${at}=${"v".repeat(300)}`).join("&");
    const campaign = campaignOf({ page: { search: `?${many}` } }) as Record<string, string>;
    expect(Object.keys(campaign).length).toBeLessThanOrEqual(16);
    for (const value of Object.values(campaign)) expect(value.length).toBeLessThanOrEqual(256);
  });

  it("of any address is plain text that a store gives back", () => {
    withSeed(import.meta.url, (seed) => {
      const piece = fc.constantFrom(
        "?",
        "&",
        "=",
        "#",
        "%",
        "%zz",
        "utm_",
        "utm_source=",
        "gclid=",
        "\ud83d",
      );
      const address = fc.array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 6 })), {
        maxLength: 12,
      });
      fc.assert(
        fc.property(
          address.map((pieces) => pieces.join("")),
          (url) => {
            const campaign = campaignOf({ page: { url } });
            expect(readJson(JSON.stringify(campaign ?? null))).toEqual(campaign ?? null);
            for (const value of Object.values(campaign ?? {})) {
              expect(value).toBeTypeOf("string");
              expect(Buffer.from(String(value)).toString()).toBe(value);
            }
          },
        ),
        { seed, numRuns: 2000 },
      );
    });
  });
});
