/** The law of privacy: what a rule takes away is nowhere on the disk, whatever became of its event. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  agentReader,
  createEdge,
  type EdgePolicy,
  keyedHash,
  sourcesOf,
} from "../../src/accept/index.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { ask, basic, openFixture, secret as secretKey, writeKey } from "./fixture.ts";

const policy: EdgePolicy = {
  privacy: {
    ip: "drop",
    fields: [
      { path: "properties.email", do: "mask" },
      { path: "properties.people.*.name", do: "hash" },
      { path: "traits.*", do: "drop" },
      { path: "**.phone", do: "drop" },
      { path: "userId", do: "hash" },
      { path: "anonymousId", do: "hash" },
    ],
  },
};

function sources() {
  const edge = () => {
    const of = keyedHash("a hash key of some length");
    const services = {
      agents: agentReader,
      locate: undefined,
      hash: () => of,
      readKeySet: () => null,
    };
    const made = createEdge(policy, { source: "web", ...services });
    return made === undefined ? {} : { edge: made };
  };
  const list = [
    { name: "web", writeKey, kind: "browser", ...edge() },
    { name: "shop", writeKey: "SK", kind: "server", ...edge() },
  ] as const;
  return sourcesOf(list, edge().edge);
}

/** Long enough to be found nowhere by chance, in the forms that the rules are for. */
const secretWord = "zqxjkvanasecret";
const secretText = fc.constantFrom(secretWord, `${secretWord}@shop.example`, `+49 ${secretWord}`);
/** A place with the secret in it, as deep as it likes. Names in it stay where it is masked or hashed. */
const hidden = fc.oneof(
  secretText,
  secretText.map((text) => [text, { more: text }]),
);
const dropped = fc.oneof(
  hidden,
  secretText.map((text) => ({ [secretWord]: text })),
);

const properties = fc.record(
  {
    email: hidden,
    people: fc.array(fc.record({ name: hidden, phone: dropped }), { maxLength: 2 }),
    address: fc.record({ phone: dropped, street: fc.constant("visible street") }),
    phone: dropped,
    total: fc.oneof(fc.integer(), fc.constant("no number")),
  },
  { requiredKeys: [] },
);
const traits = fc.dictionary(fc.constantFrom("email", "name", "phone"), dropped);
/** What makes accept refuse an event, each in its own way. */
const fault = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.constantFrom<object>(
    { timestamp: "no time" },
    { type: "nothing known" },
    { event: "" },
    { padding: "visible ".repeat(5000) },
    { deep: JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) },
    { context: "no object" },
  ),
  dropped.map((value) => ({ userId: { phone: value } })),
  dropped.map((value) => ({ traits: value, type: "identify" })),
  dropped.map((value) => ({ properties: { a: { a: { a: { phone: value } } } }, messageId: 5.5 })),
);
const who = fc.constantFrom<object>(
  { userId: secretWord },
  { anonymousId: secretWord },
  { userId: `${secretWord}-2`, anonymousId: secretWord },
  {},
);
const event = fc
  .tuple(
    who,
    properties,
    traits,
    fault,
    fc.constantFrom("track", "identify", "page", "group", "alias"),
  )
  .map(([who, properties, traits, fault, type]) => ({
    ...{ type, event: "Order Completed", name: "visible", previousId: secretWord },
    ...{
      properties,
      traits,
      context: { traits: { phone: secretWord }, ip: secretWord },
      ...who,
      ...fault,
    },
  }));
const nativeEvent = fc.tuple(who, properties, fault).map(([who, metadata, fault]) => ({
  ...{ event_type: "Order Completed", metadata, ...fault },
  ...Object.fromEntries(
    Object.entries(who).map(([key, value]) => [
      key === "userId" ? "user_id" : "anonymous_id",
      value,
    ]),
  ),
}));

test("what rules mask, hash or drop is in no byte of log, state and dead letters", async () => {
  // What shows that the bytes are looked at. Of a single event that is too deep nothing that is visible is kept.
  let isSeen = false;
  await withSeed(import.meta.url, async (seed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 12 }),
        fc.array(fc.oneof(nativeEvent, secretText), { maxLength: 6 }),
        async (events, natives) => {
          const fixture = await openFixture({ server: { sources: sources() } });
          const sent = [
            ...["WK", "SK"].map((key) => ["/v1/batch", { batch: events }, basic(key)] as const),
            ["/v1/events", natives, basic(writeKey)] as const,
            [
              "/v1/decide",
              { anonymousId: secretWord, placements: ["homeBanner"], events },
              secretKey,
            ] as const,
            ["/v1/history", { name: "i", rows: rowsOf(natives) }, secretKey] as const,
          ];
          for (const [url, body, headers] of sent) {
            const answer = await ask(fixture, url, { body, headers });
            expect(answer.status, JSON.stringify(answer.body)).toBe(200);
          }
          await fixture.engine.drain();
          await fixture.close();
          const bytes = bytesOf(fixture);
          isSeen ||= bytes.includes("visible");
          expect(nearby(bytes, secretWord)).toBeUndefined();
        },
      ),
      { seed, numRuns: 60 },
    );
    expect(isSeen).toBe(true);
  });
}, 120_000);

function rowsOf(events: readonly (object | string)[]): object[] {
  return events.map((event, index) =>
    typeof event === "string"
      ? { row: index + 1, broken: `no JSON: ${event}`, text: event }
      : { row: index + 1, ...event },
  );
}

/** Everything that a disk would hold: log, state, dead letters, outbox. */
function bytesOf({ disk }: Awaited<ReturnType<typeof openFixture>>): Buffer {
  const parts: Uint8Array[] = [...disk.batches.values()];
  for (const table of disk.tables.values())
    for (const [key, value] of table) parts.push(Buffer.from(key), value);
  return Buffer.concat(parts);
}

/** Where the text is, with what stands around it. */
function nearby(bytes: Buffer, text: string): string | undefined {
  const at = bytes.indexOf(text);
  return at < 0 ? undefined : bytes.subarray(Math.max(0, at - 120), at + 120).toString("latin1");
}
