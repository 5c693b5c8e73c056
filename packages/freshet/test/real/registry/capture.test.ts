/**
 * Serializers of others, unmodified, whose bytes are events: posted to a server that is their registry, and to one whose
 * registry is the first.
 */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, readProfile } from "../../process/support/client.ts";
import { makeFolder, type TestFolder } from "../../process/support/folder.ts";
import {
  type Running,
  secretKey,
  shopConfig,
  startServer,
  writeKey,
} from "../../process/support/server.ts";
import { bufbuild, type ConfluentClient, confluent, kafkajs, wellKnown } from "./node-clients.ts";
import { type PythonClient, startPython } from "./python.ts";

let folders: TestFolder[] = [];
let registry: Running;
/** Looks ids up at the other one. */
let capture: Running;
let client: ConfluentClient;
let kafka: InstanceType<typeof kafkajs.SchemaRegistry>;
let python: PythonClient;

beforeAll(async () => {
  folders = [await makeFolder(), await makeFolder()];
  const [own = "", other = ""] = folders.map(({ path }) => path);
  registry = await startServer({ data: own });
  capture = await startServer({ data: other, config: await writeConfig(own, registry.url) });
  const userInfo = `freshet:${secretKey}`;
  client = new confluent.SchemaRegistryClient({
    baseURLs: [registry.url],
    basicAuthCredentials: { credentialsSource: "USER_INFO", userInfo },
  });
  const auth = { username: "freshet", password: secretKey };
  kafka = new kafkajs.SchemaRegistry({ host: registry.url, auth });
  python = startPython(registry.url, userInfo);
});
afterAll(async () => {
  python?.close();
  await capture?.stop();
  await registry?.stop();
  for (const folder of folders) await folder.remove();
});

async function writeConfig(path: string, url: string): Promise<string> {
  const file = `${path}/outside.config.ts`;
  const plan = shopConfig.replace("freshet.config.ts", "plan.ts");
  const config = { plan, registry: { url, user: "freshet", password: secretKey } };
  await writeFile(file, `export default ${JSON.stringify(config)};\n`);
  return file;
}

interface View {
  readonly event_id: string;
  readonly user_id: string;
  readonly product_id: string;
  readonly price: number;
}
const fields = ["event_id", "user_id", "product_id"] as const;
const avroText = JSON.stringify({
  ...{ type: "record", name: "ProductView", namespace: "shop" },
  fields: [
    ...fields.map((name) => ({ name, type: "string" })),
    { name: "price", type: ["null", "double"], default: null },
  ],
});
const jsonText = JSON.stringify({
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "ProductView",
  type: "object",
  properties: {
    ...Object.fromEntries(fields.map((name) => [name, { type: "string" }])),
    price: { type: "number" },
  },
  required: fields,
});
const protoName = "shop.ProductView";
const protoFile = {
  ...{ name: "shop/view.proto", package: "shop", syntax: "proto3" },
  messageType: [
    {
      name: "ProductView",
      field: [
        ...fields.map((name, index) => ({
          ...{ name, number: index + 1, label: "LABEL_OPTIONAL", type: "TYPE_STRING" },
        })),
        { name: "price", number: 4, label: "LABEL_OPTIONAL", type: "TYPE_DOUBLE" },
      ],
    },
  ],
};

type SchemaType = "AVRO" | "JSON" | "PROTOBUF";
const texts = { AVRO: avroText, JSON: jsonText };
const contentTypes = {
  AVRO: "application/avro",
  JSON: "application/vnd.freshet.framed",
  PROTOBUF: "application/x-protobuf",
} as const;

type Write = (type: SchemaType, topic: string, value: View) => Promise<Buffer>;

const writers: { readonly [name: string]: Write } = {
  async "@confluentinc/schemaregistry"(type, topic, value) {
    if (type === "PROTOBUF") return writeProtobuf(topic, value);
    await client.register(`${topic}-value`, { schema: texts[type], schemaType: type });
    const Serializer = type === "AVRO" ? confluent.AvroSerializer : confluent.JsonSerializer;
    const config = { autoRegisterSchemas: false, useLatestVersion: true };
    return new Serializer(client, confluent.SerdeType.VALUE, config).serialize(topic, value);
  },
  async "@kafkajs/confluent-schema-registry"(type, topic, value) {
    if (type === "PROTOBUF") throw new Error("it writes no message indexes");
    const subject = `${topic}-value`;
    const { id } = await kafka.register({ type, schema: texts[type] }, { subject });
    return kafka.encode(id, value);
  },
  async "confluent-kafka of Python"(type, topic, value) {
    const rest = type === "PROTOBUF" ? descriptors() : { schema: texts[type] };
    const made = await python.ask({ do: "serialize", type, topic, value, ...rest });
    return Buffer.from(String(made), "base64");
  },
};

async function writeProtobuf(topic: string, value: View): Promise<Buffer> {
  const set = bufbuild.fromJson(wellKnown.FileDescriptorSetSchema, { file: [protoFile] });
  const message = bufbuild.createFileRegistry(set).getMessage(protoName);
  const config = { autoRegisterSchemas: true };
  const serializer = new confluent.ProtobufSerializer(client, confluent.SerdeType.VALUE, config);
  serializer.registry.add(message);
  return serializer.serialize(topic, bufbuild.fromJson(message, value));
}

function descriptors() {
  const file = bufbuild.fromJson(wellKnown.FileDescriptorProtoSchema, protoFile);
  const bytes = bufbuild.toBinary(wellKnown.FileDescriptorProtoSchema, file);
  return { files: [Buffer.from(bytes).toString("base64")], name: protoName };
}

const servers = { "their registry": () => registry.url, "another server": () => capture.url };

describe.each(Object.keys(servers) as (keyof typeof servers)[])("posted to %s", (to) => {
  for (const [writer, write] of Object.entries(writers))
    for (const type of ["AVRO", "JSON", "PROTOBUF"] as const) {
      if (type === "PROTOBUF" && writer.startsWith("@kafkajs")) continue;
      it(`${type} of ${writer} counts in a profile`, async () => {
        const topic = `${type}-${writer}`.replaceAll(/[^\w-]/g, "_");
        const user_id = `${topic}-${to}`;
        const value = (id: string): View => ({
          event_id: id,
          user_id,
          product_id: "p1",
          price: 2.5,
        });
        const url = servers[to]();
        const [one, two, three] = await Promise.all(
          ["1", "2", "3"].map((id) => write(type, topic, value(`${user_id}-${id}`))),
        );
        if (one === undefined || two === undefined || three === undefined) throw new Error("none");
        await expectTaken(await asCloudEvent(url, { type, body: one, id: user_id, user: user_id }));
        const answer = await asMany(url, type, [two, three]);
        await expectTaken(answer, 2);
        // The second one again, alone and with the id in it.
        await expectTaken(await asMany(url, type, [two]));
        const profile = await readProfile(url, user_id, answer.body.receipt);
        expect(profile.body.features).toMatchObject({ productViews: 3 });
      });
    }
});

async function expectTaken(answer: { status: number; body: unknown }, accepted = 1) {
  expect(answer).toMatchObject({ status: 200, body: { accepted, rejected: [] } });
}

interface CloudEvent {
  readonly type: SchemaType;
  readonly body: Buffer;
  readonly id: string;
  readonly user: string;
}

function asCloudEvent(url: string, { type, body, id, user }: CloudEvent) {
  const contentType = contentTypes[type];
  const authorization = `Basic ${btoa(`${writeKey}:`)}`;
  // snippet: cloudevent
  // `body` is what a serializer made; `contentType` is application/avro, application/x-protobuf or, for JSON Schema,
  // application/vnd.freshet.framed.
  const headers = {
    authorization,
    "content-type": contentType,
    "ce-specversion": "1.0",
    "ce-id": id,
    "ce-source": "/shop/backend",
    "ce-type": "Product Viewed",
    "ce-subject": user,
  };
  const request = { method: "POST", headers, body };
  // end snippet
  return ask(`${url}/v1/events`, request);
}

function asMany(url: string, type: SchemaType, messages: readonly Buffer[]) {
  const contentType = contentTypes[type];
  // snippet: many
  // `messages` are what a serializer made; each goes after its length.
  const parts = messages.flatMap((message) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    return [length, message];
  });
  const headers = {
    authorization: `Basic ${btoa(`${writeKey}:`)}`,
    "content-type": `${contentType}; framing=length-prefixed`,
  };
  const request = { method: "POST", headers, body: Buffer.concat(parts) };
  // end snippet
  return ask(`${url}/v1/events?event_type=Product%20Viewed`, request);
}

it("shows in the journey by which schema an event came", async () => {
  const value = { event_id: "journey-1", user_id: "jo", product_id: "p1", price: 1 };
  const body = await writers["@kafkajs/confluent-schema-registry"]?.("AVRO", "journeys", value);
  if (body === undefined) throw new Error("nothing was written");
  const answer = await asMany(capture.url, "AVRO", [body]);
  await readProfile(capture.url, "jo", answer.body.receipt);
  const headers = { authorization: `Bearer ${secretKey}` };
  const journey = await ask(`${capture.url}/v1/events/journey-1`, { headers });
  const notes = [`schemaId:${body.readUInt32BE(1)}`];
  expect(journey.body.steps).toContainEqual(expect.objectContaining({ stage: "accepted", notes }));
});

it("says 503 while the other server is gone, and takes what it knows nevertheless", async () => {
  const view = (id: string) => ({ event_id: id, user_id: "kim", product_id: "p1", price: 1 });
  const write = writers["@kafkajs/confluent-schema-registry"];
  const known = await write?.("AVRO", "known", view("known-1"));
  const fresh = await write?.("JSON", "fresh", view("fresh-1"));
  if (known === undefined || fresh === undefined) throw new Error("nothing was written");
  await expectTaken(await asMany(capture.url, "AVRO", [known]));
  const { port } = registry;
  await registry.kill();
  // An id that was never asked for: that of `fresh` may be known from the tests above.
  fresh.writeUInt32BE(100_000, 1);
  const refused = await asMany(capture.url, "JSON", [fresh]);
  expect(refused).toMatchObject({ status: 503, body: { error: { code: "registryUnavailable" } } });
  expect(refused.headers.get("retry-after")).toBe("2");
  await expectTaken(await asMany(capture.url, "AVRO", [known]));
  registry = await startServer({ data: folders[0]?.path ?? "", port });
  const answered = await answeredOnceUp(fresh);
  expect(answered.body).toMatchObject({ accepted: 0, rejected: [{ code: "schemaUnknown" }] });
  const { body } = await ask(`${capture.url}/metrics`);
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(body)?.[1]);
  const parts = ["applied", "duplicate", "rejected"].map((part) =>
    count(`freshet_events_${part}_total`),
  );
  const sum = parts.reduce((total, part) => total + part, 0) + count("freshet_events_in_flight");
  expect(sum).toBe(count("freshet_events_received_total"));
});

/** Its client leaves a registry alone for a moment after several failures. */
async function answeredOnceUp(body: Buffer) {
  for (;;) {
    const answer = await asMany(capture.url, "JSON", [body]);
    if (answer.status !== 503) return answer;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
