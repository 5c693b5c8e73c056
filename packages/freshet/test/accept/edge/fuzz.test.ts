/** Everything that the edge can do, at once, over anything that a client can send. */
import { FreshetError, readJson } from "@freshet/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Accepted,
  accept,
  type EdgePolicy,
  type GeoDatabase,
  locator,
} from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { requestOf } from "../fixture.ts";
import { chrome, googlebot, headless, siteWith, webRequest } from "./fixture.ts";

const everything: EdgePolicy = {
  suspicious: { eventsPerSecond: 3 },
  privacy: {
    ip: "mask",
    fields: [
      { path: "**.email", do: "mask" },
      { path: "properties.*.*", do: "hash" },
      { path: "traits.**", do: "mask" },
      { path: "context.page", do: "drop" },
      { path: "extra.*", do: "drop" },
      { path: "userId", do: "hash" },
    ],
  },
  consent: { purposes: ["analytics"], required: "analytics", default: "granted" },
  identity: {
    keys: [{ secret: "a shared secret of 32 characters or more" }],
    onMissing: "anonymous",
  },
};

const database: GeoDatabase = {
  version: 1,
  lookUp: (address) => (address.endsWith("7") ? { country_code: "DE", city: 5 } : null),
};

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    0,
    true,
    [],
    {},
    "\ud800",
    chrome,
    googlebot,
    headless,
    "1.2.3.4",
  ),
  fc.constantFrom<unknown>(
    { categoryPreferences: { analytics: false } },
    { class: 5 },
    { search: "?utm_source=%" },
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.jsonValue({ maxDepth: 4 }),
);
const contextFields = [
  ...["userAgent", "ip", "page", "campaign", "geo", "device", "browser", "os", "bot", "consent"],
  ...["suspicious", "identityToken", "library", "traits", "email"],
];
const context = fc.oneof(
  fc.dictionary(fc.constantFrom(...contextFields), odd, { maxKeys: 6 }),
  odd,
);
const event = fc
  .record(
    {
      context,
      properties: fc.oneof(fc.dictionary(fc.constantFrom("email", "a", "b"), odd), odd),
      traits: odd,
      userId: fc.oneof(fc.constant("ana"), odd),
      anonymousId: fc.oneof(fc.constant("a1"), odd),
      type: fc.constantFrom<unknown>("track", "identify", "group", "alias", 5),
      other: odd,
      timestamp: odd,
    },
    { requiredKeys: ["type"] },
  )
  .map((event) => ({ event: "E", ...event }));

test("gives a record for each event or a FreshetError, the same again, and fit to be stored", () => {
  withSeed(import.meta.url, (seed) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 5, arbitrary: event }, odd), { maxLength: 5 }),
        context,
        fc.constantFrom<string | undefined>(chrome, googlebot, "", undefined),
        (batch, shared, userAgent) => {
          const once = () => {
            const site = siteWith(everything, {
              locate: locator(() => database, { coordinates: true }),
            });
            const request = requestOf("segment-batch", { batch, context: shared }, webRequest);
            return accept({ ...request, headers: { ...request.headers, userAgent } }, site.context);
          };
          const answer = attempt(once);
          expect(attempt(once)).toStrictEqual(answer);
          if (answer instanceof FreshetError) return;
          expect(answer.records).toHaveLength(batch.length);
          expect(readJson(JSON.stringify(answer.records))).toStrictEqual(answer.records);
          for (const record of answer.records) {
            if (record.kind !== "event") continue;
            expect(record.event.userId).toBeUndefined();
            expect(record.event.context?.identityToken).toBeUndefined();
            expect(record.event.context?.consent).toBeDefined();
          }
        },
      ),
      { seed, numRuns: 400 },
    );
  });
});

function attempt(run: () => Accepted): Accepted | FreshetError {
  try {
    return run();
  } catch (error) {
    if (error instanceof FreshetError) return error;
    throw error;
  }
}
