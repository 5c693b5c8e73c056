import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accept, acceptEvents, type ConsentPolicy } from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { now, onlyEvent, onlyLetter, requestOf } from "../fixture.ts";
import { quiet, siteWith, webRequest } from "./fixture.ts";

const consent: ConsentPolicy = {
  purposes: ["analytics", "marketing"],
  required: "analytics",
  default: "denied",
};
const site = siteWith({ ...quiet, consent });
const says = (preferences: unknown) => ({
  context: { consent: { categoryPreferences: preferences } },
});
const preferencesOf = (event: object, where = site) =>
  (onlyEvent(where.send(event)).context?.consent as Record<string, unknown>)?.categoryPreferences;

describe("consent", () => {
  it("is written with every purpose answered", () => {
    expect(preferencesOf(says({ analytics: true }))).toEqual({ analytics: true, marketing: false });
    expect(preferencesOf(says({ analytics: true, marketing: true, other: false, odd: 5 }))).toEqual(
      {
        ...{ analytics: true, marketing: true, other: false },
      },
    );
    const open = siteWith({ ...quiet, consent: { ...consent, default: "granted" } });
    expect(preferencesOf({}, open)).toEqual({ analytics: true, marketing: true });
    expect(preferencesOf(says({ marketing: false }), open)).toEqual({
      analytics: true,
      marketing: false,
    });
  });

  it.each([
    ...[undefined, null, {}, "yes", [], { analytics: false }, { analytics: "true" }],
    ...[{ analytics: 1 }, { Analytics: true }, { analytics: {} }],
  ])("that is %j does not do where the purpose is denied unless said", (preferences) => {
    expect(onlyLetter(site.send(says(preferences))).code).toBe("consentMissing");
  });

  it("that was refused counts although the default grants", () => {
    const open = siteWith({ ...quiet, consent: { ...consent, default: "granted" } });
    for (const analytics of [false, "granted", 0])
      expect(onlyLetter(open.send(says({ analytics }))).code).toBe("consentMissing");
  });

  it("that is missing leaves a letter with id, source, code, time and the event's name", () => {
    const event = { messageId: "m7", properties: { email: "ana@shop.example" }, userId: "ana" };
    const accepted = site.send(event);
    expect(onlyLetter(accepted)).toEqual({
      ...{ id: "m7", code: "consentMissing", source: "web", at: now, event: { event: "E" } },
      name: "E",
      message: "the person did not consent to the purpose that this source needs",
    });
    expect(accepted.rejected).toMatchObject([{ index: 0, code: "consentMissing" }]);
    const counts = site.context.sources.byKey.get("WK")?.edge?.counts;
    expect(Object.fromEntries(counts?.entries() ?? []).consentMissing).toBeGreaterThan(0);
  });

  it("comes before everything else that is wrong, of any event whatever", () => {
    withSeed(import.meta.url, (seed) => {
      const secret = "ana-the-secret";
      const value = fc.oneof(
        fc.constantFrom<unknown>(secret, [secret], { a: { b: secret } }, null, 5),
        fc.jsonValue({ maxDepth: 2 }),
      );
      const names = [
        "type",
        "userId",
        "anonymousId",
        "properties",
        "traits",
        "timestamp",
        "context",
      ];
      const event = fc.oneof(
        fc.dictionary(fc.constantFrom(...names, secret), value),
        fc.constantFrom<unknown>(secret, [secret], null),
      );
      fc.assert(
        fc.property(fc.array(event, { minLength: 1, maxLength: 3 }), (batch) => {
          const answer = accept(requestOf("segment-batch", { batch }, webRequest), site.context);
          expect(JSON.stringify(answer.records)).not.toContain(secret);
        }),
        { seed, numRuns: 1000 },
      );
    });
  });

  it("is not asked of history, for which the importer answers", () => {
    const source = { name: "import/x", writeKey: "", kind: "server" } as const;
    const events = [{ event_type: "E", user_id: "u", event_id: "r1" }];
    const [record] = acceptEvents({ shape: "import-rows", events, source }, site.context).records;
    expect(record?.kind).toBe("event");
    const [live] = acceptEvents({ shape: "native", events, source }, site.context).records;
    expect(live?.kind).toBe("deadLetter");
  });
});
