import { createHmac } from "node:crypto";
import { FreshetError, readJson } from "@freshet/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Accepted,
  accept,
  acceptHook,
  acceptPixel,
  type CaptureShape,
  compileHooks,
  type HookConfig,
} from "../../src/accept/index.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { contextWith, requestOf, sources } from "./fixture.ts";

const numRuns = Number(process.env.FRESHET_RUNS ?? 1000);
const timeoutMs = 20_000 + numRuns * 10;

function assertProperty<T>(property: fc.IProperty<T>): void {
  withSeed(import.meta.url, (seed) => fc.assert(property, { seed, numRuns }));
}

/** Every event has a record, all of it can be stored, and nothing but a row of the catalogue is thrown. */
function check(run: () => Accepted): Accepted | FreshetError {
  try {
    const accepted = run();
    expect(accepted.records).toHaveLength(accepted.accepted + accepted.rejected.length);
    expect(readJson(JSON.stringify(accepted.records))).toStrictEqual(accepted.records);
    for (const record of accepted.records)
      if (record.kind === "event") expect(record.event.id.length).toBeGreaterThan(0);
      else expect(record.letter.id.length).toBeGreaterThan(0);
    return accepted;
  } catch (error) {
    if (error instanceof FreshetError) return error;
    throw error;
  }
}

/** Some bytes of a right text changed, cut or doubled. */
const mutated = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(text, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([right, changes, cut]) => {
      const bytes = Buffer.from(right);
      for (const [place, value] of changes)
        if (bytes.length > 0) bytes[place % bytes.length] = value;
      return new Uint8Array(cut % 5 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes);
    });

const oddText = fc.oneof(
  fc.constantFrom("", "__proto__", "%", "%C0%A0", "%zz", '"', '"\\', "\ud800", "é", "constructor"),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
);
const oddValue = fc.oneof(oddText, fc.constantFrom(null, 0, -0, 1e21), fc.jsonValue());

const attributes = [
  ...["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
  ...["data_base64", "userid", "anonymousid", "dataschema", "__proto__", "ext", "sentAt"],
];
const rightEvent = { specversion: "1.0", id: "1", source: "/s", type: "T", subject: "u", data: {} };
const cloudEvent = fc
  .dictionary(fc.constantFrom(...attributes), oddValue, { maxKeys: 4 })
  .map((changes) => ({ ...rightEvent, ...changes }));
const contentType = fc.constantFrom(
  undefined,
  "",
  "application/json",
  "text/plain",
  "a/b+json;x",
  "/json",
  ";",
);

test(
  "any CloudEvent in JSON is an answer or a FreshetError",
  () => {
    const text = fc
      .oneof(cloudEvent, fc.array(fc.oneof(cloudEvent, oddValue), { maxLength: 5 }), oddValue)
      .map((value) => JSON.stringify(value));
    const shape = fc.constantFrom<CaptureShape>("cloudevent", "cloudevent-batch");
    assertProperty(
      fc.property(shape, mutated(text), (shape, body) => {
        const request = requestOf(shape, body);
        const answer = check(() => accept(request, contextWith()));
        expect(check(() => accept(request, contextWith()))).toStrictEqual(answer);
      }),
    );
  },
  timeoutMs,
);

test(
  "any headers and body of a binary CloudEvent are one event or one dead letter",
  () => {
    const headers = fc
      .dictionary(fc.oneof(fc.constantFrom(...attributes), oddText), oddText, { maxKeys: 6 })
      .map((changes) => ({ id: "1", source: "/s", type: "T", userid: "u", ...changes }));
    const body = fc.oneof(mutated(fc.constant('{"a":[1]}')), fc.uint8Array({ maxLength: 40 }));
    assertProperty(
      fc.property(headers, contentType, body, (sent, contentType, body) => {
        const cloudEvent = new Map(Object.entries({ specversion: "1.0", ...sent }));
        const known = { authorization: `Basic ${btoa("SK:")}`, contentType, cloudEvent };
        const request = requestOf("cloudevent-binary", body, { headers: known });
        const answer = check(() => accept(request, contextWith()));
        if (answer instanceof FreshetError) throw answer;
        expect(answer.records).toHaveLength(1);
      }),
    );
  },
  timeoutMs,
);

test(
  "any query of a pixel with a key is one event or one dead letter",
  () => {
    const name = fc.oneof(
      fc.constantFrom("event_type", "user_id", "event_id", "timestamp", "data", "p.x", "p."),
      oddText,
    );
    const value = fc.oneof(
      oddText.map((text) => encodeURIComponent(Buffer.from(text).toString())),
      oddValue.map((json) => Buffer.from(JSON.stringify(json)).toString("base64url")),
      fc.string({ unit: "binary", maxLength: 40 }),
    );
    const pathType = fc.constantFrom(undefined, "track" as const, "identify" as const);
    const query = fc
      .array(fc.tuple(name, value), { maxLength: 8 })
      .map((pairs) => pairs.map(([key, text]) => `${key}=${text}`).join("&"));
    assertProperty(
      fc.property(query, fc.option(oddText), pathType, (query, referrer, type) => {
        const answer = check(() =>
          acceptPixel(
            {
              query: `writeKey=WK&user_id=u&${query}`,
              type,
              ...(referrer === null ? {} : { referrer, userAgent: referrer }),
              remoteAddress: "::1",
            },
            contextWith(),
          ),
        );
        // An event in `data` may name another key.
        if (answer instanceof FreshetError && answer.code === "keyUnknown") return;
        if (answer instanceof FreshetError) throw answer;
        expect(answer.records).toHaveLength(1);
      }),
    );
  },
  timeoutMs,
);

const map: HookConfig["map"] = [
  {
    event: { first: [{ at: "/type", as: "trim" }, "E"] },
    userId: { at: "/user", as: "text" },
    timestamp: { at: "/at", as: "seconds" },
    properties: {
      all: { at: "" },
      price: { at: "/price", divide: 100, multiply: 2 },
      joined: { join: [{ header: "x" }, { at: "/a/0/b" }], with: "-" },
      named: { at: "/type", as: "lower", names: { t: "T" }, else: "none" },
    },
  },
  {
    when: [{ value: { at: "/type" }, is: ["T", 1, true] }],
    each: "/a",
    event: "Item",
    userId: { item: "/u" },
  },
];
const payload = fc
  .dictionary(
    fc.constantFrom("type", "user", "at", "price", "a", "__proto__", "id"),
    fc.oneof(oddValue, fc.array(oddValue)),
  )
  .map((changes) => JSON.stringify({ type: "T", user: "u", at: 1.7e9, ...changes }));

test(
  "any signed payload is mapped, or is a dead letter, or a FreshetError",
  () => {
    const hooks = compileHooks(
      { data: { secret: "s", signature: "github", map, id: { at: "/id" } } },
      sources,
    );
    assertProperty(
      fc.property(fc.oneof(mutated(payload), fc.uint8Array()), contentType, (body, type) => {
        const digest = createHmac("sha256", "s").update(body).digest("hex");
        const headers = { "x-hub-signature-256": `sha256=${digest}`, "content-type": type, x: "x" };
        check(() => acceptHook({ name: "data", headers, body }, hooks, contextWith()));
      }),
    );
  },
  timeoutMs,
);

test(
  "no signature but the right one opens a hook, whatever it looks like",
  () => {
    const schemes = ["stripe", "github", "shopify", "standard-webhooks"] as const;
    const hooks = compileHooks(
      Object.fromEntries(
        schemes.map((signature) => [
          signature,
          { secret: "whsec_c2VjcmV0", signature, map: () => [] },
        ]),
      ),
      sources,
    );
    const names = [
      ...["stripe-signature", "x-hub-signature-256", "x-shopify-hmac-sha256"],
      ...["webhook-id", "webhook-timestamp", "webhook-signature"],
    ];
    const value = fc.oneof(
      oddText,
      oddText.map((text) => `sha256=${text}`),
      oddText.map((text) => `t=1777896000,v1=${text}`),
      oddText.map((text) => `v1,${text}`),
      fc.constantFrom("1777896000", "v1,", `sha256=${"0".repeat(64)}`, "v1=,t=,,="),
    );
    assertProperty(
      fc.property(
        fc.constantFrom(...schemes),
        fc.dictionary(fc.constantFrom(...names), value),
        fc.uint8Array({ maxLength: 20 }),
        (name, headers, body) => {
          const answer = check(() => acceptHook({ name, headers, body }, hooks, contextWith()));
          expect(answer).toBeInstanceOf(FreshetError);
          expect(answer).toMatchObject({ code: "signatureInvalid" });
        },
      ),
    );
  },
  timeoutMs,
);
