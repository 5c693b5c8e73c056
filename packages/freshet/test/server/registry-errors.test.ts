/** Every refusal of the registry, in the form and with the numbers that its clients know. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SchemaThread } from "../../src/app/registry/thread.ts";
import { registryErrors, registryLimits } from "../../src/core/registry/index.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { manyChoices } from "../app/registry/schemas.ts";
import { ask } from "./fixture.ts";
import {
  avro,
  type Call,
  call,
  idField,
  noteField,
  openRegistryFixture,
  priceField,
  type RegistryFixture,
  register,
} from "./registry-fixture.ts";

let fixture: RegistryFixture;
beforeAll(async () => {
  fixture = await openRegistryFixture();
  const schema = avro("Order", idField);
  for (const subject of ["live", "half", "gone", "frozen", "used"])
    await register(fixture, subject, { schema });
  await register(fixture, "half", { schema: avro("Order", idField, noteField) });
  await call(fixture, "/subjects/half/versions/1", { method: "DELETE" });
  await call(fixture, "/subjects/gone", { method: "DELETE" });
  await call(fixture, "/mode/frozen", { method: "PUT", body: { mode: "READONLY" } });
  await call(fixture, "/mode/imported", { method: "PUT", body: { mode: "IMPORT" } });
  await register(fixture, "imported", { schema: avro("Imported", idField), id: 500 });
  await register(fixture, "user", {
    schema: avro("User", { name: "order", type: "Order" }),
    references: [{ name: "Order", subject: "used", version: 1 }],
  });
});
afterAll(() => fixture.close());

const order = { schema: avro("Order", idField) };
const other = { schema: avro("Order", idField, noteField) };
const remove = { method: "DELETE" } as const;

interface Case {
  readonly code: number;
  readonly url: string;
  readonly sent?: Call;
  readonly says: string | RegExp;
}

const cases: readonly Case[] = [
  { code: 40401, url: "/subjects/none/versions", says: "Subject 'none' not found." },
  { code: 40401, url: "/subjects/none/versions/1", says: "Subject 'none' not found." },
  { code: 40401, url: "/subjects/gone/versions/1", says: "Subject 'gone' not found." },
  { code: 40401, url: "/subjects/none", sent: { body: order }, says: "Subject 'none' not found." },
  { code: 40401, url: "/subjects/none", sent: remove, says: "Subject 'none' not found." },
  {
    code: 40401,
    url: "/subjects/none/versions/1",
    sent: remove,
    says: "Subject 'none' not found.",
  },
  { code: 40401, url: "/config/none", sent: remove, says: "Subject 'none' not found." },
  { code: 40401, url: "/mode/none", sent: remove, says: "Subject 'none' not found." },
  {
    code: 40401,
    url: "/compatibility/subjects/none/versions/1",
    sent: { body: order },
    says: "Subject 'none' not found.",
  },
  { code: 40402, url: "/subjects/live/versions/9", says: "Version 9 not found." },
  { code: 40402, url: "/subjects/half/versions/1", says: "Version 1 not found." },
  { code: 40402, url: "/subjects/live/versions/9", sent: remove, says: "Version 9 not found." },
  {
    code: 40402,
    url: "/compatibility/subjects/live/versions/9",
    sent: { body: order },
    says: "Version 9 not found.",
  },
  { code: 40403, url: "/subjects/live", sent: { body: other }, says: "Schema not found" },
  { code: 40403, url: "/schemas/ids/999", says: "Schema 999 not found" },
  { code: 40403, url: "/schemas/ids/999/versions", says: "Schema 999 not found" },
  { code: 40403, url: "/schemas/guids/nothing", says: "Schema nothing not found" },
  {
    code: 40404,
    url: "/subjects/gone",
    sent: remove,
    says: "Subject 'gone' was soft deleted. Set permanent=true to delete permanently",
  },
  {
    code: 40405,
    url: "/subjects/live?permanent=true",
    sent: remove,
    says: "Subject 'live' was not deleted first before being permanently deleted",
  },
  {
    code: 40406,
    url: "/subjects/half/versions/1",
    sent: remove,
    says: "Subject 'half' Version 1 was soft deleted. Set permanent=true to delete permanently",
  },
  {
    code: 40407,
    url: "/subjects/live/versions/1?permanent=true",
    sent: remove,
    says: "Subject 'live' Version 1 was not deleted first before being permanently deleted",
  },
  {
    code: 40408,
    url: "/config/live",
    says: "Subject 'live' does not have subject-level compatibility configured",
  },
  {
    code: 40409,
    url: "/mode/live",
    says: "Subject 'live' does not have subject-level mode configured",
  },
  {
    code: 40901,
    url: "/subjects/live/versions",
    sent: { body: { schema: avro("Order", idField, priceField) } },
    says: /^Schema being registered is incompatible with an earlier schema for subject "live", details: \[/,
  },
  { code: 422, url: "/subjects/live/versions", sent: { method: "POST" }, says: /may not be null/ },
  {
    code: 422,
    url: "/subjects/live/versions",
    sent: { body: { ...order, shcema: 1 } },
    says: "Unrecognized field: shcema",
  },
  { code: 422, url: "/subjects?offset=first", says: /"offset" should be a whole number/ },
  { code: 422, url: "/subjects/live/metadata?key=a", says: /come in pairs/ },
  { code: 42201, url: "/subjects/live/versions", sent: { body: {} }, says: "Empty schema" },
  {
    code: 42201,
    url: "/subjects/live/versions",
    sent: { body: { schema: '{"type":"nothing"}' } },
    says: /^Invalid schema of type AVRO, details: /,
  },
  {
    code: 42201,
    url: "/subjects/live/versions",
    sent: { body: { ...order, schemaType: "XML" } },
    says: "Invalid schema type XML. Valid types are AVRO, JSON, PROTOBUF",
  },
  {
    code: 42201,
    url: "/subjects/live/versions",
    sent: { body: { ...order, references: [{ name: "a", subject: "none", version: 1 }] } },
    says: /No schema reference found for subject "none" and version 1/,
  },
  {
    code: 42201,
    url: "/subjects/live/versions",
    sent: { body: { ...other, version: 7 } },
    says: "Version 7 is not one more than previous version 1",
  },
  ...["0", "-2", "first", "2147483648", "1e1"].map((version) => ({
    code: 42202,
    url: `/subjects/live/versions/${version}`,
    says: `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  })),
  {
    code: 42203,
    url: "/config/live",
    sent: { method: "PUT", body: { compatibility: "SIDEWAYS" } },
    says: /^Invalid compatibility level. Valid values are none, backward,/,
  },
  {
    code: 42203,
    url: "/config",
    sent: { method: "PUT", body: {} },
    says: /^Invalid compatibility/,
  },
  {
    code: 42204,
    url: "/mode",
    sent: { method: "PUT", body: { mode: "SLEEP" } },
    says: /^Invalid mode. Valid values are READWRITE, READONLY,/,
  },
  {
    code: 42205,
    url: "/subjects/frozen/versions",
    sent: { body: other },
    says: "Subject frozen is in read-only mode",
  },
  {
    code: 42205,
    url: "/subjects/live/versions",
    sent: { body: { ...other, id: 9 } },
    says: "Subject live is not in import mode",
  },
  {
    code: 42205,
    url: "/mode",
    sent: { method: "PUT", body: { mode: "IMPORT" } },
    says: "Cannot import since found existing subjects",
  },
  {
    code: 42205,
    url: "/config/frozen",
    sent: { method: "PUT", body: { compatibility: "NONE" } },
    says: "Subject frozen is in read-only mode",
  },
  {
    code: 42206,
    url: "/subjects/used",
    sent: remove,
    says: /^One or more references exist to the schema \{subject=used,version=1\}/,
  },
  {
    code: 42207,
    url: "/subjects/imported/versions",
    sent: { body: { schema: avro("Imported", idField), id: 501 } },
    says: "Schema already registered with id 500 instead of input id 501",
  },
  ...["%01", "a%0Ab", "__GLOBAL", "%3A.other%3Aa", "x".repeat(513)].map((subject) => ({
    code: 42208,
    url: `/subjects/${subject}/versions`,
    sent: { body: order },
    says: /subject/i,
  })),
  {
    code: 42209,
    url: "/subjects/live/versions",
    sent: { body: { schema: `"${"x".repeat(registryLimits.schemaCharsMax)}"` } },
    says: /^Schema is too large: the schema has 524290 characters, at most 524288 are taken/,
  },
  {
    code: 42209,
    url: "/subjects/live/versions",
    sent: { body: { ...order, metadata: { properties: { a: "x".repeat(70_000) } } } },
    says: /^Schema is too large: metadata and rules/,
  },
  {
    code: 42210,
    url: "/subjects/live/versions",
    sent: { body: { ...order, ruleSet: { domainRules: [{ kind: "CONDITION" }] } } },
    says: /^Invalid rule set/,
  },
];

describe("a refusal", () => {
  it.each(cases)("$code at $url", async ({ code, url, sent, says }) => {
    const answer = await call(fixture, url, sent);
    expect(answer.body.error_code).toBe(code);
    expect(answer.status).toBe(code < 1000 ? code : Math.floor(code / 100));
    expect(Object.keys(answer.body)).toEqual(["error_code", "message"]);
    if (typeof says === "string") expect(answer.body.message).toBe(says);
    else expect(answer.body.message).toMatch(says);
  });

  it("has a case here for every kind there is", () => {
    const numbers = new Set(cases.map(({ code }) => code).concat(50001, 50002));
    expect(Object.values(registryErrors).filter(({ code }) => !numbers.has(code))).toEqual([]);
  });

  it("50001 where the disk does not take it, and nothing of it is kept", async () => {
    const disk = fixture.registryDisk;
    disk.faults = { ...disk.faults, failureShare: 1 };
    const body = { schema: avro("Lost", idField) };
    const answer = await call(fixture, "/subjects/lost/versions", { body });
    disk.faults = { ...disk.faults, failureShare: 0 };
    expect([answer.status, answer.body.error_code]).toEqual([500, 50001]);
    expect((await call(fixture, "/subjects/lost/versions")).body.error_code).toBe(40401);
    expect(await register(fixture, "lost", body)).toBeGreaterThan(500);
  });
});

describe("a schema that takes too long to check", () => {
  it("is refused, as are those behind it that find no room, and what is there stays", async () => {
    const work = new SchemaThread({ limits: { checkMsMax: 700, checksWaitingMax: 2 } });
    const slow = await openRegistryFixture(work);
    try {
      const choices = (word: string) => ({
        ...{ schemaType: "JSON", schema: manyChoices(300, word) },
      });
      const id = await register(slow, "choices", choices("old"));
      const path = "/subjects/choices/versions";
      const other = (n: number) => ({
        ...{ schemaType: "PROTOBUF", schema: `syntax = "proto3"; message M${n} {}` },
      });
      // The tests of compatibility wait for the thread, registrations for each other first.
      const [refused, ...others] = await Promise.all([
        call(slow, path, { body: choices("new") }),
        ...Array.from({ length: 5 }, (_, n) =>
          call(slow, "/compatibility/subjects/none/versions/latest", { body: other(n) }),
        ),
      ]);
      expect([refused.status, refused.body.error_code]).toEqual([422, 42209]);
      expect(refused.body.message).toContain("took more than 700 ms");
      const codes = others.map(({ body }) => body.error_code);
      expect(codes.filter((code) => code === 50002).length).toBeGreaterThan(0);
      expect(codes.every((code) => code === undefined || code === 50002)).toBe(true);
      expect((await call(slow, path)).body).toEqual([1]);
      expect(await register(slow, "choices", choices("old"))).toBe(id);
      expect(await register(slow, "other", other(0))).toBe(id + 1);
    } finally {
      await slow.close();
      await work.close();
    }
  });
});

describe("what is wrong with the request itself", () => {
  const url = "/subjects/live/versions";
  const text = (body: string | Uint8Array, headers = {}): Call => ({ body, headers });

  it.each([
    ["is not JSON", 400, url, text("{")],
    ["is not UTF-8", 400, url, text(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ["is no object", 400, url, text("[]")],
    ["has a field of another type", 400, url, text('{"schema":1}')],
    ["has references that are no list", 400, url, text('{"schema":"\\"int\\"","references":{}}')],
    ["has a reference without a name", 400, url, text('{"schema":"\\"int\\"","references":[{}]}')],
    [
      "has deep metadata",
      400,
      url,
      text(`{"schema":"1","metadata":{"a":${"[".repeat(99)}${"]".repeat(99)}}}`),
    ],
    ["is compressed badly", 400, url, text("{}", { "content-encoding": "gzip" })],
    ["has a type that is not taken", 415, url, text("{}", { "content-type": "text/plain" })],
    ["is too large", 413, url, text("x".repeat(1024 * 1024 + 1))],
    ["asks for another type", 406, "/subjects", { headers: { accept: "image/png" } }],
    ["names no id", 404, "/schemas/ids/first", {}],
    ["names no path", 404, "/subjects/a/b/c/d", {}],
    ["takes another method", 405, "/subjects", { method: "DELETE" }],
    ["takes another method", 405, "/schemas/ids/1", { body: {} }],
  ] as const)("it %s: %i", async (_, status, path, sent) => {
    const answer = await call(fixture, path, sent);
    expect(answer.status).toBe(status);
    expect(answer.body.error_code).toBe(status);
    expect(answer.body.message).toMatch(/\w/);
  });

  it("is told as 401 without a key, with the way to send one", async () => {
    const answer = await ask(fixture, "/subjects");
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body).error_code).toBe(401);
    expect(answer.headers["www-authenticate"]).toContain("Basic");
  });

  it("does not matter where the body is compressed well or comes as any JSON type", async () => {
    const body = gzipSync(JSON.stringify(order));
    const headers = {
      "content-encoding": "gzip",
      "content-type": "application/json; charset=utf-8",
    };
    expect((await call(fixture, url, { body, headers })).status).toBe(200);
    const octets = {
      body: JSON.stringify(order),
      headers: { "content-type": "application/octet-stream" },
    };
    expect((await call(fixture, url, octets)).status).toBe(200);
  });

  it("never makes an error of ours, whatever is sent", () =>
    withSeed(import.meta.url, async (seed) => {
      const random = randomOf(seed);
      for (let round = 0; round < 400; round++) {
        const { path, sent } = randomCall(random);
        const answer = await call(fixture, path, sent);
        const where = `${path} ${JSON.stringify(sent)}`;
        expect(answer.status, where).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.body.error_code, where).toBeGreaterThan(399);
      }
    }));
});

const values: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  1e308,
  "",
  "x",
  "\u0000",
  "\ud800",
  true,
  [],
  {},
  [[]],
  [null],
  [{}],
  { name: "a", subject: "live", version: 1 },
  '{"type":"record"}',
  '"string"',
  "latest",
  { properties: null },
  { properties: { __proto__: "x" } },
  { domainRules: [] },
  "IMPORT",
  "NONE",
];
const fields = [
  "schema",
  "schemaType",
  "references",
  "metadata",
  "ruleSet",
  "id",
  "version",
  "mode",
];
const paths = [
  "/subjects",
  "/subjects/S",
  "/subjects/S/versions",
  "/subjects/S/versions/V",
  "/config",
  "/config/S",
  "/mode/S",
  "/schemas/ids/V",
  "/compatibility/subjects/S/versions/V",
  "/subjects/S/metadata",
];
const methods = ["GET", "POST", "PUT", "DELETE"] as const;

function randomCall(random: ReturnType<typeof randomOf>): { path: string; sent: Call } {
  const subject = random.pick(["fuzz", "live", "%00", "%ED%A0%80", "%", "a%2Fb", ":.x:", "latest"]);
  const version = random.pick(["1", "-1", "latest", "99999999999", "NaN", "%20", "1;2"]);
  const path = random.pick(paths).replace("S", subject).replace("V", version);
  const names = fields.filter(() => random.chance(0.4));
  const body = Object.fromEntries(names.map((name) => [name, random.pick(values)]));
  const list = random.chance(0.1)
    ? `?${random.pick(["offset", "limit", "deleted"])}=${version}`
    : "";
  const method = random.pick(methods);
  return { path: path + list, sent: method === "GET" ? { method } : { method, body } };
}
