/** What the registry's clients do with it, by its REST API. Errors are in `registry-errors.test.ts`. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, secret, secretKey } from "./fixture.ts";
import {
  avro,
  basicOf,
  call,
  idField,
  noteField,
  openRegistryFixture,
  priceField,
  type RegistryFixture,
  register,
  v1Type,
} from "./registry-fixture.ts";

let fixture: RegistryFixture;
beforeEach(async () => {
  fixture = await openRegistryFixture();
});
afterEach(() => fixture.close());

const first = avro("Order", idField);
const second = avro("Order", idField, noteField);
const get = async (url: string) => (await call(fixture, url)).body;
const remove = async (url: string) => (await call(fixture, url, { method: "DELETE" })).body;
const put = async (url: string, body: object) =>
  (await call(fixture, url, { method: "PUT", body })).body;

describe("registering", () => {
  it("gives one id to one schema, whatever the subject and the blanks", async () => {
    const id = await register(fixture, "a-value", { schema: first });
    expect(id).toBe(1);
    const spaced = JSON.stringify(JSON.parse(first), null, 2);
    expect(await register(fixture, "a-value", { schema: spaced, schemaType: "AVRO" })).toBe(1);
    expect(await register(fixture, "b-value", { schema: first })).toBe(1);
    expect(await register(fixture, "a-value", { schema: second })).toBe(2);
    expect(await get("/subjects/a-value/versions")).toEqual([1, 2]);
    expect(await get("/schemas/ids/1")).toEqual({ schema: first });
    expect(await get("/schemas/ids/1/schema")).toEqual(JSON.parse(first));
    expect(await get("/schemas/ids/1/subjects")).toEqual(["a-value", "b-value"]);
    expect(await get("/schemas/ids/1/versions")).toEqual([
      { subject: "a-value", version: 1 },
      { subject: "b-value", version: 1 },
    ]);
  });

  it("answers with all that it knows where the client says that it may", async () => {
    const answer = await call(fixture, "/subjects/a/versions", {
      body: { schema: first, tomorrow: true },
      headers: { "confluent-accept-unknown-properties": "true" },
    });
    const guid = (await get("/subjects/a/versions/1")).guid;
    expect(answer.body).toEqual({ id: 1, version: 1, schemaType: "AVRO", guid });
    expect(guid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(await get(`/schemas/guids/${guid}`)).toEqual({ schema: first });
    expect(await get(`/schemas/guids/${guid}/ids`)).toEqual([{ context: ".", id: 1 }]);
  });

  it("looks a schema up without registering it", async () => {
    await register(fixture, "a", { schema: first });
    const found = await call(fixture, "/subjects/a", { body: { schema: first } });
    expect(found.body).toMatchObject({ subject: "a", version: 1, id: 1, schema: first });
    expect((await call(fixture, "/subjects/a", { body: { schema: second } })).status).toBe(404);
    expect(await get("/subjects/a/versions")).toEqual([1]);
  });

  it("takes subjects of any letters, in one part of the path", async () => {
    for (const subject of ["a/b", "100%", "ünï ö", "a+b", "a?b#c", "%2F", "a:b", '"']) {
      const id = await register(fixture, subject, { schema: first });
      expect(id, subject).toBe(1);
      const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`;
      expect((await get(path)).subject).toBe(subject);
    }
    expect(await get("/subjects")).toHaveLength(8);
    expect((await get("/subjects?subjectPrefix=a")).toSorted()).toEqual([
      "a+b",
      "a/b",
      "a:b",
      "a?b#c",
    ]);
  });

  it("takes the default context for what it is", async () => {
    await register(fixture, ":.:a", { schema: first });
    expect(await get("/subjects?subjectPrefix=:*:")).toEqual(["a"]);
    expect(await get("/contexts")).toEqual(["."]);
    expect(await get("/v1/metadata/id")).toEqual({
      scope: { path: [], clusters: { "schema-registry-cluster": "freshet" } },
      id: "",
    });
    expect(await get("/associations/resources/-/orders")).toEqual([]);
  });

  it("normalizes when asked, by the request or by the configuration", async () => {
    const shuffled = JSON.stringify({ fields: [idField], name: "Order", type: "record" });
    await put("/config", { compatibility: "NONE" });
    await register(fixture, "a", { schema: first });
    expect(await register(fixture, "a", { schema: shuffled })).toBe(2);
    const normal = await call(fixture, "/subjects/n/versions?normalize=true", {
      body: { schema: shuffled },
    });
    await put("/config/n", { normalize: true });
    expect(await register(fixture, "n", { schema: first })).toBe(normal.body.id);
  });

  it("keeps metadata and rules, and finds the latest with them", async () => {
    const metadata = { properties: { owner: "ana", line: "1" }, tags: { "**.id": ["PII"] } };
    const ruleSet = { domainRules: [{ name: "r", kind: "CONDITION", type: "CEL", expr: "true" }] };
    const body = { schema: first, metadata: { ...metadata, sensitive: null }, ruleSet };
    expect(await register(fixture, "a", body)).toBe(1);
    expect(await register(fixture, "a", { schema: first })).toBe(2);
    expect(await get("/schemas/ids/1")).toEqual({ schema: first, metadata, ruleSet });
    const found = await get("/subjects/a/metadata?key=owner&value=ana&key=line&value=1");
    expect(found).toMatchObject({ version: 1, metadata });
    expect((await get("/subjects/a/metadata?key=owner&value=bob")).error_code).toBe(40403);
  });
});

describe("references", () => {
  const customer = avro("Customer", idField);
  const order = avro("Order", idField, { name: "customer", type: "Customer" });
  const references = [{ name: "Customer", subject: "customer", version: 1 }];

  it("are resolved, listed from both sides, and keep what they name from being deleted", async () => {
    await register(fixture, "customer", { schema: customer });
    const id = await register(fixture, "order", { schema: order, references });
    expect(await get("/subjects/customer/versions/1/referencedby")).toEqual([id]);
    expect(await get("/subjects/customer/versions/1/referencedby?offset=1")).toEqual([]);
    expect((await get(`/schemas/ids/${id}`)).references).toEqual(references);
    for (const url of ["/subjects/customer", "/subjects/customer/versions/1"])
      expect((await remove(url)).error_code, url).toBe(42206);
    await remove("/subjects/order");
    expect(await remove("/subjects/customer")).toEqual([1]);
    // The order is only hidden: what it was written with must stay.
    expect((await remove("/subjects/customer?permanent=true")).error_code).toBe(42206);
    await remove("/subjects/order?permanent=true");
    expect(await remove("/subjects/customer?permanent=true")).toEqual([1]);
  });

  it("go through several schemas, and to the latest version where none is named", async () => {
    await register(fixture, "customer", { schema: customer });
    await register(fixture, "order", {
      schema: order,
      references: [{ ...references[0], version: -1 }],
    });
    const basket = avro("Basket", { name: "orders", type: { type: "array", items: "Order" } });
    const named = [{ name: "Order", subject: "order", version: 1 }];
    const id = await register(fixture, "basket", { schema: basket, references: named });
    expect((await get("/subjects/order/versions/1")).references).toEqual(references);
    expect(await get(`/schemas/ids/${id}/subjects`)).toEqual(["basket"]);
  });
});

describe("deleting", () => {
  it("hides first, and forgets when asked again", async () => {
    await register(fixture, "a", { schema: first });
    await register(fixture, "a", { schema: second });
    expect(await remove("/subjects/a/versions/2")).toBe(2);
    expect(await get("/subjects/a/versions")).toEqual([1]);
    expect(await get("/subjects/a/versions?deleted=true")).toEqual([1, 2]);
    expect(await get("/subjects/a/versions?deletedOnly=true")).toEqual([2]);
    expect((await get("/subjects/a/versions/2?deleted=true")).id).toBe(2);
    expect((await get("/schemas/ids/2")).schema).toBe(second);
    expect(await remove("/subjects/a")).toEqual([1]);
    expect(await get("/subjects")).toEqual([]);
    expect(await get("/subjects?deleted=true")).toEqual(["a"]);
    expect(await get("/subjects?deletedOnly=true")).toEqual(["a"]);
    expect(await remove("/subjects/a?permanent=true")).toEqual([1, 2]);
    expect(await get("/subjects?deleted=true")).toEqual([]);
    expect((await get("/schemas/ids/2")).error_code).toBe(40403);
  });

  it("gives a schema that comes back its id again, under a new version", async () => {
    await register(fixture, "a", { schema: first });
    await remove("/subjects/a");
    expect(await register(fixture, "a", { schema: first })).toBe(1);
    expect(await get("/subjects/a/versions")).toEqual([2]);
    expect((await get("/subjects/a/versions/latest")).version).toBe(2);
    expect((await get("/subjects/a/versions/-1")).version).toBe(2);
  });

  it("never gives an id twice, though its schema is gone", async () => {
    await register(fixture, "a", { schema: first });
    await remove("/subjects/a");
    await remove("/subjects/a?permanent=true");
    expect(await register(fixture, "a", { schema: second })).toBe(2);
    expect(await get("/subjects/a/versions")).toEqual([1]);
  });
});

describe("compatibility", () => {
  const third = avro("Order", idField, priceField);

  it("is asked for at each registration, by the level in force", async () => {
    expect(await get("/config")).toEqual({ compatibilityLevel: "BACKWARD" });
    await register(fixture, "a", { schema: first });
    const refused = await call(fixture, "/subjects/a/versions", { body: { schema: third } });
    expect(refused.status).toBe(409);
    expect(refused.body.error_code).toBe(40901);
    expect(refused.body.message).toContain("READER_FIELD_MISSING_DEFAULT_VALUE");
    expect(refused.body.message).toContain("price");
    expect(refused.body.message).toContain("{compatibility: 'BACKWARD'}");
    expect(await put("/config/a", { compatibility: "FORWARD" })).toEqual({
      compatibility: "FORWARD",
    });
    expect(await register(fixture, "a", { schema: third })).toBe(2);
    expect(await remove("/config/a")).toEqual({ compatibilityLevel: "FORWARD" });
    expect(await get("/config/a?defaultToGlobal=true")).toEqual({ compatibilityLevel: "BACKWARD" });
  });

  it("can be tested without registering", async () => {
    await register(fixture, "a", { schema: first });
    const url = "/compatibility/subjects/a/versions";
    const test = async (path: string, schema: string) =>
      (await call(fixture, path, { body: { schema } })).body;
    expect(await test(`${url}/latest`, second)).toEqual({ is_compatible: true });
    expect(await test(`${url}/1`, third)).toEqual({ is_compatible: false });
    const said = await test(`${url}?verbose=true`, third);
    expect(said.is_compatible).toBe(false);
    expect(said.messages[0]).toContain("READER_FIELD_MISSING_DEFAULT_VALUE");
    expect(await test(`${url}?verbose=true`, second)).toEqual({
      is_compatible: true,
      messages: [],
    });
    const nowhere = "/compatibility/subjects/nowhere/versions";
    expect(await test(`${nowhere}/latest`, third)).toEqual({ is_compatible: true });
    expect(await test(nowhere, third)).toEqual({ is_compatible: true });
    expect((await test(`${nowhere}/1`, third)).error_code).toBe(40401);
  });

  it("compares only within a group of the metadata", async () => {
    await put("/config/a", { compatibilityGroup: "major" });
    const of = (major: string) => ({ metadata: { properties: { major } } });
    await register(fixture, "a", { schema: first, ...of("1") });
    expect(await register(fixture, "a", { schema: third, ...of("2") })).toBe(2);
    const refused = await call(fixture, "/subjects/a/versions", {
      body: { schema: third, ...of("1") },
    });
    expect(refused.body.error_code).toBe(40901);
    expect(await get("/config/a")).toEqual({ compatibilityGroup: "major" });
  });

  it("refuses another type of schema under the same subject", async () => {
    await register(fixture, "a", { schema: first });
    const body = { schema: 'syntax = "proto3"; message Order {}', schemaType: "PROTOBUF" };
    const refused = await call(fixture, "/subjects/a/versions", { body });
    expect(refused.body.message).toContain("different schema type");
  });
});

describe("modes", () => {
  it("stop writes, of one subject or of all", async () => {
    expect(await get("/mode")).toEqual({ mode: "READWRITE" });
    await register(fixture, "a", { schema: first });
    expect(await put("/mode/a", { mode: "READONLY" })).toEqual({ mode: "READONLY" });
    expect(await register(fixture, "a", { schema: first })).toBe(1);
    const refused = await call(fixture, "/subjects/a/versions", { body: { schema: second } });
    expect(refused.body).toEqual({ error_code: 42205, message: "Subject a is in read-only mode" });
    expect(await register(fixture, "b", { schema: second })).toBe(2);
    await put("/mode", { mode: "READONLY_OVERRIDE" });
    await put("/mode/a", { mode: "READWRITE" });
    expect((await remove("/subjects/a")).error_code).toBe(42205);
    expect(await get("/mode/b?defaultToGlobal=true")).toEqual({ mode: "READONLY_OVERRIDE" });
    await put("/mode", { mode: "READWRITE" });
    expect(await remove("/mode/a")).toEqual({ mode: "READWRITE" });
    expect(await remove("/subjects/a")).toEqual([1]);
  });

  it("take ids and versions from elsewhere in IMPORT, and go on after them", async () => {
    expect((await put("/mode", { mode: "IMPORT" })).mode).toBe("IMPORT");
    const body = { schema: first, id: 100, version: 7 };
    expect(await register(fixture, "a", body)).toBe(100);
    expect(await register(fixture, "a", body)).toBe(100);
    const same = await call(fixture, "/subjects/a/versions", { body: { ...body, id: 101 } });
    expect(same.body).toMatchObject({ error_code: 42207 });
    const other = await call(fixture, "/subjects/a/versions", {
      body: { schema: second, id: 100 },
    });
    expect(other.body.message).toBe("Overwrite new schema with id 100 is not permitted.");
    await put("/mode", { mode: "READWRITE" });
    expect(await register(fixture, "a", { schema: second })).toBe(101);
    expect(await get("/subjects/a/versions")).toEqual([7, 8]);
    expect((await put("/mode", { mode: "IMPORT" })).error_code).toBe(42205);
    expect((await put("/mode?force=true", { mode: "IMPORT" })).mode).toBe("IMPORT");
  });
});

describe("lists", () => {
  it("come in pages", async () => {
    for (const subject of ["c", "a", "b"]) await register(fixture, subject, { schema: first });
    await register(fixture, "a", { schema: second });
    expect(await get("/subjects")).toEqual(["a", "b", "c"]);
    expect(await get("/subjects?offset=1&limit=1")).toEqual(["b"]);
    expect(await get("/subjects?offset=5&limit=-1")).toEqual([]);
    expect(await get("/schemas/ids/1/subjects?limit=2")).toEqual(["a", "b"]);
    expect(await get("/schemas/ids/1/versions?subject=b")).toEqual([{ subject: "b", version: 1 }]);
    expect((await get("/schemas")).map((one: { id: number }) => one.id)).toEqual([1, 2, 1, 1]);
    const latest = await get("/schemas?latestOnly=true&subjectPrefix=a");
    expect(latest).toMatchObject([{ subject: "a", version: 2, id: 2, schema: second }]);
    expect(await get("/schemas?offset=3&limit=9")).toMatchObject([{ subject: "c" }]);
    expect(await get("/schemas/types")).toEqual(["JSON", "PROTOBUF", "AVRO"].toSorted());
    expect((await get("/schemas/ids/1?fetchMaxId=true")).maxId).toBe(2);
    await call(fixture, "/subjects/a/versions/1", { method: "DELETE" });
    expect(await get("/subjects/a/versions?deleted=true")).toEqual([1, 2]);
    expect(await get("/subjects/a/versions?deleted=true&deletedAsNegative=true")).toEqual([-1, 2]);
  });
});

it("counts requests by route and outcome, and what is there", async () => {
  await register(fixture, "a", { schema: first });
  await call(fixture, "/subjects/none/versions");
  await call(fixture, "/subjects/none/versions", { headers: { authorization: "Bearer x" } });
  await call(fixture, "/subjects", { headers: { accept: "image/png" } });
  const { body } = await ask(fixture, "/metrics");
  const figures = [...String(body).matchAll(/^freshet_registry_(?!check)(.*) (\d+)$/gm)].map(
    ([, name, count]) => `${name} ${count}`,
  );
  const requests = (route: string, outcome: string) =>
    `requests_total{route="${route}",outcome="${outcome}"} 1`;
  expect(figures).toEqual([
    requests("POST /subjects/:subject/versions", "ok"),
    requests("GET /subjects/:subject/versions", "40401"),
    requests("GET /subjects/:subject/versions", "401"),
    requests("GET /subjects", "406"),
    ...["subjects 1", "versions 1", "schemas 1", `schema_chars ${first.length}`],
  ]);
});

describe("the door", () => {
  const open = async (authorization: string | undefined, url: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    return (await ask(fixture, url, { headers })).status;
  };

  it("opens to the secret key as password, user or Bearer, and to a server's write key for schemas", async () => {
    await register(fixture, "a", { schema: first });
    const ways = [secret.authorization, basicOf("freshet", secretKey), basicOf(secretKey, "")];
    for (const way of ways) expect(await open(way, "/subjects"), way).toBe(200);
    for (const way of [basicOf("SK", ""), basicOf("freshet", "SK")]) {
      for (const url of ["/schemas/ids/1", "/schemas/ids/1/schema", "/schemas/types"])
        expect(await open(way, url), url).toBe(200);
      for (const url of ["/subjects", "/schemas", "/config", "/mode", "/schemas/ids/1/subjects"])
        expect(await open(way, url), url).toBe(401);
    }
    const closed = [undefined, basicOf("WK", ""), basicOf("freshet", "WK"), "Bearer x", "Basic !"];
    for (const way of closed)
      for (const url of ["/subjects", "/schemas/ids/1"])
        expect(await open(way, url), way).toBe(401);
  });

  it("answers with the type that is asked for, and lets schemas by id be kept", async () => {
    await register(fixture, "a", { schema: first });
    const typeOf = async (accept: string) =>
      (await call(fixture, "/subjects", { headers: { accept } })).headers["content-type"];
    expect(await typeOf("*/*")).toBe(v1Type);
    expect(await typeOf("application/json")).toBe("application/json");
    expect(await typeOf("text/html, application/vnd.schemaregistry+json;q=0.5")).toBe(
      "application/vnd.schemaregistry+json",
    );
    expect((await call(fixture, "/subjects", { headers: { accept: "text/html" } })).status).toBe(
      406,
    );
    const kept = await call(fixture, "/schemas/ids/1");
    expect(kept.headers["cache-control"]).toContain("immutable");
    const listed = await call(fixture, "/subjects");
    expect(listed.headers["cache-control"]).toBe("no-store");
  });
});
