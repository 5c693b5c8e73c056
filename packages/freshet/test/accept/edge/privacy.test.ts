import { createHmac } from "node:crypto";
import { isIP } from "node:net";
import type { Json } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskAddress } from "../../../src/accept/edge/address.ts";
import { maskScalar } from "../../../src/accept/edge/mask.ts";
import { changeAt, parsePath } from "../../../src/accept/edge/path.ts";
import type { FieldRule } from "../../../src/accept/edge/policy.ts";
import {
  accept,
  compileContracts,
  keyedHash,
  storedIdentifier,
} from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { onlyEvent, onlyLetter, requestOf } from "../fixture.ts";
import { hashKey, quiet, shopRequest, siteWith, webRequest } from "./fixture.ts";

const siteOf = (...fields: FieldRule[]) => siteWith({ ...quiet, privacy: { fields } });
const drop = (path: string): FieldRule => ({ path, do: "drop" });
const mask = (path: string): FieldRule => ({ path, do: "mask" });
const hash = (path: string): FieldRule => ({ path, do: "hash" });

describe("a masked address", () => {
  it.each([
    ["203.0.113.77", "203.0.113.0"],
    ["::ffff:203.0.113.77", "203.0.113.0"],
    ["2001:db8:aa:bb::1", "2001:db8:aa::"],
    ["2001:0db8:0000:0000:1:2:3:4", "2001:db8::"],
    ["fe80::1%eth0", "fe80::"],
    ["2001:db8::1:2:3", "2001:db8::"],
    ["1:2:3:4:5:6:7:8", "1:2:3::"],
    ["64:ff9b::1.2.3.4", "64:ff9b::"],
    ["::1", "::"],
    ["::", "::"],
  ])("of %s is %s", (address, masked) => expect(maskAddress(address)).toBe(masked));

  it.each(["", "1.2.3", "1.2.3.4.5", "shop.example", "1:2:3", "::x"])("%j is none", (text) =>
    expect(maskAddress(text)).toBeUndefined(),
  );

  it("is an address, shares what it keeps and nothing else, and stays when masked again", () => {
    withSeed(import.meta.url, (seed) => {
      fc.assert(
        fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
          const masked = maskAddress(address) ?? "";
          expect(isIP(masked)).toBe(isIP(address) === 4 || /\d+\.\d+/.test(masked) ? 4 : 6);
          expect(maskAddress(masked)).toBe(masked);
          if (isIP(address) === 4)
            expect(masked.split(".").slice(0, 3)).toEqual(address.split(".").slice(0, 3));
          else if (isIP(masked) === 6) {
            const url = (text: string) => new URL(`http://[${text}]`).hostname;
            const first = (text: string) => expand(url(text).slice(1, -1));
            expect(first(masked).slice(0, 3)).toEqual(first(address).slice(0, 3));
            expect(first(masked).slice(3)).toEqual(["0", "0", "0", "0", "0"]);
          }
        }),
        { seed, numRuns: 2000 },
      );
    });
  });
});

/** By the URL standard's short form: no IPv4 at the end, one `::` at most. */
function expand(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  if (tail === undefined) return groups(head);
  const zeros = 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail)];
}

describe("a masked value", () => {
  it.each<[Json, Json]>([
    ["ana@shop.example", "a***@shop.example"],
    ["a@shop.example", "***@shop.example"],
    ["+49 170 1234567", "+** *** ***4567"],
    ["4111-1111-1111-1234", "****-****-****-1234"],
    ["1234", "***"],
    [1234567, "***4567"],
    [12, "***"],
    ["Moana", "M***"],
    ["Ana", "***"],
    ["😀😀😀😀", "😀***"],
    ["", ""],
    [true, null],
    [null, null],
  ])("of %j is %j", (value, masked) => expect(maskScalar(value)).toBe(masked));

  it("never holds the text that it stands for", () => {
    withSeed(import.meta.url, (seed) => {
      const value = fc.oneof(
        fc.emailAddress(),
        fc.string({ unit: "binary", minLength: 1 }),
        fc.stringMatching(/^[+(]?[\d ().-]{1,20}$/),
        fc.integer().map(Math.abs),
      );
      fc.assert(
        fc.property(value, (value) => {
          const text = String(value);
          // Stars, and spaces of a number, are no content.
          if (text.includes("*") || /^[\s+().-]*$/.test(text)) return;
          expect(String(maskScalar(value))).not.toContain(text);
        }),
        { seed, numRuns: 3000 },
      );
    });
  });
});

describe("a hash", () => {
  it("is HMAC-SHA-256 with the id of its key before it, and stays when hashed again", () => {
    const of = keyedHash(hashKey);
    const hex = createHmac("sha256", hashKey).update("ana").digest("hex");
    expect(of("ana")).toMatch(/^[0-9a-f]{8}:[0-9a-f]{64}$/);
    expect(of("ana").slice(9)).toBe(hex);
    expect(of(of("ana"))).toBe(of("ana"));
    const other = keyedHash(`${hashKey}!`);
    expect(other("ana").slice(0, 8)).not.toBe(of("ana").slice(0, 8));
    expect(other(of("ana"))).not.toBe(of("ana"));
  });
});

describe("a path", () => {
  const value = {
    email: "r",
    people: [
      { email: "a", deep: { email: "b" } },
      { name: "n", email: { of: "c" } },
    ],
  };
  const dropped = (path: string) => changeAt(value, parsePath(path), () => undefined);

  it.each<[string, Json]>([
    ["email", { people: value.people }],
    ["people.*.email", { email: "r", people: [{ deep: { email: "b" } }, { name: "n" }] }],
    ["people.0", { email: "r", people: [value.people[1] ?? null] }],
    ["**.email", { people: [{ deep: {} }, { name: "n" }] }],
    ["people.**.email", { email: "r", people: [{ deep: {} }, { name: "n" }] }],
    ["people.**", { email: "r" }],
    ["*", {}],
    ["email.more", value],
    ["nothing.*.email", value],
  ])("%s leads where it says", (path, left) => expect(dropped(path)).toEqual(left));

  it("changes each place once, copies what changes and shares the rest", () => {
    const nested = { a: { a: "x", b: "y" }, c: { d: 1 } };
    const seen: Json[] = [];
    const changed = changeAt(nested, parsePath("**.a"), (found) => {
      seen.push(found);
      return "new";
    }) as typeof nested;
    expect(seen).toEqual([{ a: "x", b: "y" }]);
    expect(changed).toEqual({ a: "new", c: { d: 1 } });
    expect(changed.c).toBe(nested.c);
    expect(nested.a).toEqual({ a: "x", b: "y" });
  });

  it("of any steps over any value leaves no place that it leads to", () => {
    withSeed(import.meta.url, (seed) => {
      const step = fc.constantFrom("a", "b", "0", "*");
      const path = fc
        .tuple(
          fc.array(step, { maxLength: 2 }),
          fc.constantFrom([], ["**"]),
          fc.array(step, { minLength: 1, maxLength: 2 }),
        )
        .map((parts) => parts.flat());
      const keyed = fc.letrec<{ tree: Json }>((tie) => ({
        tree: fc.oneof(
          { maxDepth: 4 },
          fc.constantFrom<Json>(1, "t", null),
          fc.dictionary(fc.constantFrom("a", "b", "c"), tie("tree")),
          fc.array(tie("tree"), { maxLength: 3 }),
        ),
      })).tree;
      fc.assert(
        fc.property(keyed, path, (tree, path) => {
          const marked = changeAt(tree, path, () => "MARK");
          const places = reached(tree, path);
          // Places inside of a place go with it.
          const outer = places.filter(
            (place) => !places.some((other) => place !== other && place.startsWith(`${other}/`)),
          );
          expect(textsAt(marked ?? null, "MARK").sort()).toEqual(outer.sort());
        }),
        { seed, numRuns: 2000 },
      );
    });
  });
});

/** Naively: every place of the value whose steps fit the path. */
function reached(value: Json, path: readonly string[]): string[] {
  const form = path.map((step) =>
    step === "**" ? "(?:/[^/]+)*" : step === "*" ? "/[^/]+" : `/${step}`,
  );
  const expression = new RegExp(`^${form.join("")}$`);
  return placesOf(value, "").filter((place) => expression.test(place));
}

function placesOf(value: Json, at: string): string[] {
  if (value === null || typeof value !== "object") return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, child]) => placesOf(child as Json, `${at}/${key}`)),
  ];
}

function textsAt(value: Json, text: string, at = ""): string[] {
  if (value === text) return [at];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, child]) =>
    textsAt(child as Json, text, `${at}/${key}`),
  );
}

describe("rules of a source", () => {
  it("change the event before it is written", () => {
    const site = siteOf(
      mask("properties.email"),
      drop("properties.items.*.note"),
      hash("context.device.id"),
    );
    const event = onlyEvent(
      site.send({
        properties: { email: "ana@shop.example", items: [{ id: 1, note: "n" }], total: 5 },
        context: { device: { id: "d1" } },
      }),
    );
    expect(event.properties).toEqual({ email: "a***@shop.example", items: [{ id: 1 }], total: 5 });
    expect(event.context?.device).toEqual({ id: keyedHash(hashKey)("d1") });
  });

  it("mask or drop the address, of browsers and of servers", () => {
    const ipOf = (ip: "mask" | "drop" | "keep", request: object, context = {}) =>
      onlyEvent(siteWith({ ...quiet, privacy: { ip } }).send({ context }, request)).context?.ip;
    expect(ipOf("mask", webRequest)).toBe("203.0.113.0");
    expect(ipOf("drop", webRequest)).toBeUndefined();
    expect(ipOf("keep", webRequest)).toBe("203.0.113.77");
    expect(ipOf("mask", shopRequest, { ip: "2001:db8:1:2::3" })).toBe("2001:db8:1::");
    for (const ip of ["ana at home", 5, { secret: "ana" }])
      expect(ipOf("mask", shopRequest, { ip })).toBeUndefined();
  });

  it("find traits wherever a client put them", () => {
    const site = siteOf(drop("traits.*"));
    const traits = { email: "ana@shop.example" };
    expect(onlyEvent(site.send({ type: "identify", traits })).traits).toBeUndefined();
    expect(onlyEvent(site.send({ traits })).extra).toEqual({ traits: {} });
    const group = { type: "group", groupId: "g1", traits };
    for (const path of ["traits.*", "traits", "properties.email"])
      expect(onlyEvent(siteOf(drop(path)).send(group)).properties).toEqual({ groupId: "g1" });
    const { context } = onlyEvent(site.send({ context: { traits } }));
    expect(context).toEqual({ traits: {}, ip: "203.0.113.77" });
  });

  it("hash identifiers the same in every source and for reads", () => {
    const site = siteOf(hash("userId"), hash("anonymousId"));
    const of = keyedHash(hashKey);
    const event = onlyEvent(site.send({ userId: "ana" }));
    expect(event).toMatchObject({ userId: of("ana"), anonymousId: of("a1") });
    const record = site.send({ userId: "ana" }, shopRequest).records[0];
    expect(record).toMatchObject({ key: `user:${of("ana")}` });
    expect(storedIdentifier("userId", "ana", site.context.sources)).toBe(of("ana"));
    expect(storedIdentifier("userId", of("ana"), site.context.sources)).toBe(of("ana"));
    const alias = site.send({ type: "alias", userId: "ana", previousId: "old", anonymousId: "a1" });
    expect(onlyEvent(alias).properties.previousId).toBe(of("old"));
  });

  it("may leave an event of nobody, which is refused", () => {
    const site = siteOf(drop("userId"));
    expect(onlyEvent(site.send({ userId: "ana" })).userId).toBeUndefined();
    const letter = onlyLetter(site.send({ userId: "ana", anonymousId: null }));
    expect(letter.code).toBe("identifierMissing");
    expect(JSON.stringify(letter)).not.toContain('"ana"');
  });

  it("do not change what several events share", () => {
    const site = siteOf(hash("context.device.id"));
    const events = ["m1", "m2"].map((messageId) => ({
      ...{ type: "track", event: "E", userId: "u", messageId },
    }));
    const body = { batch: events, context: { device: { id: "d1" } } };
    const { records } = accept(requestOf("segment-batch", body, webRequest), site.context);
    const ids = records.map((record) => record.kind === "event" && record.event.context?.device);
    expect(ids).toEqual(Array(2).fill({ id: keyedHash(hashKey)("d1") }));
  });
});

describe("a dead letter of a source with rules", () => {
  const secret = "ana@shop.example";

  it("holds the event after the rules, with a message that repeats nothing", () => {
    const site = siteOf(mask("properties.email"));
    const properties = { email: secret, total: 5 };
    const letter = onlyLetter(site.send({ properties, timestamp: `${secret} o'clock` }));
    expect(letter).toMatchObject({
      code: "timestampInvalid",
      message: '"timestamp" should be ISO 8601 or milliseconds since 1970',
      event: {
        type: "track",
        event: "E",
        messageId: "m1",
        properties: { email: "a***@shop.example" },
      },
    });
  });

  it("tells which properties break a contract, and not how", () => {
    const contracts = compileContracts([
      { name: "E", properties: { email: { kind: "number", optional: false } } },
    ]);
    const fields = [drop("properties.email")];
    const site = siteWith({ ...quiet, privacy: { fields } }, {}, { contracts });
    const letter = onlyLetter(site.send({ properties: { email: secret } }));
    expect(letter.message).toBe('event "E": "email" should be a number');
    expect(JSON.stringify(letter)).not.toContain("ana");
  });

  it.each<[string, object]>([
    ["properties that are no object", { properties: secret }],
    ["traits that are no object", { type: "identify", traits: [secret] }],
    ["a context that is no object", { context: secret }],
    ["something nested too deep", { properties: { a: nest(40, { email: secret }) } }],
    ["a user id of another type", { userId: { email: secret } }],
    ["a type that is not known", { type: secret }],
  ])("holds nothing of %s", (_what, event) => {
    const site = siteOf(
      drop("**.email"),
      drop("traits.*"),
      drop("properties.*"),
      drop("context.*"),
    );
    expect(JSON.stringify(site.send(event))).not.toContain(secret);
  });

  it("of what is no event keeps nothing", () => {
    const site = siteOf(drop("properties.email"));
    const request = requestOf("segment-batch", { batch: [secret] }, webRequest);
    expect(onlyLetter(accept(request, site.context))).toMatchObject({
      code: "eventNotObject",
      event: {},
    });
  });

  it("is as it came where the source has no rules", () => {
    const letter = onlyLetter(siteWith({}).send({ userId: [secret], writeKey: "WK" }));
    expect(letter.event).toEqual({
      ...{ type: "track", event: "E", anonymousId: "a1", messageId: "m1", userId: [secret] },
    });
  });
});

function nest(levels: number, inner: object): object {
  return levels === 0 ? inner : { a: nest(levels - 1, inner) };
}
