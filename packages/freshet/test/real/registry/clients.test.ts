/**
 * Clients of others, unmodified, against the real server: each registers, evolves and writes, and each reads what the
 * others wrote.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolder, type TestFolder } from "../../process/support/folder.ts";
import { type Running, secretKey, startServer } from "../../process/support/server.ts";
import {
  avroText,
  jsonText,
  order,
  orderFile,
  orderProto,
  orderWithNote,
  protoName,
} from "./cases.ts";
import { bufbuild, type ConfluentClient, confluent, kafkajs, wellKnown } from "./node-clients.ts";
import { type PythonClient, startPython } from "./python.ts";

let folder: TestFolder;
let server: Running;
let python: PythonClient;
let client: ConfluentClient;
let kafka: InstanceType<typeof kafkajs.SchemaRegistry>;
const userInfo = `freshet:${secretKey}`;

function confluentClient(url: string): ConfluentClient {
  const { SchemaRegistryClient } = confluent;
  // snippet: confluent
  return new SchemaRegistryClient({
    baseURLs: [url],
    basicAuthCredentials: { credentialsSource: "USER_INFO", userInfo: `freshet:${secretKey}` },
  });
  // end snippet
}

function kafkajsClient(host: string): InstanceType<typeof kafkajs.SchemaRegistry> {
  const { SchemaRegistry } = kafkajs;
  // snippet: kafkajs
  return new SchemaRegistry({ host, auth: { username: "freshet", password: secretKey } });
  // end snippet
}

beforeAll(async () => {
  folder = await makeFolder();
  server = await startServer({ data: folder.path });
  python = startPython(server.url, userInfo);
  client = confluentClient(server.url);
  kafka = kafkajsClient(server.url);
});
afterAll(async () => {
  python?.close();
  await server?.stop();
  await folder?.remove();
});

type SchemaType = "AVRO" | "JSON" | "PROTOBUF";
const texts = { AVRO: avroText, JSON: jsonText, PROTOBUF: orderProto };
const protobuf = () => ({ files: [describedOrder], name: protoName });
const describedOrder = Buffer.from(
  bufbuild.toBinary(
    wellKnown.FileDescriptorProtoSchema,
    bufbuild.fromJson(wellKnown.FileDescriptorProtoSchema, orderFile),
  ),
).toString("base64");

interface Side {
  write(type: SchemaType, topic: string): Promise<Buffer>;
  read(type: SchemaType, topic: string, bytes: Buffer): Promise<unknown>;
}

const sides: { readonly [name: string]: Side } = {
  "@confluentinc/schemaregistry": {
    async write(type, topic) {
      if (type === "PROTOBUF") return writeProtobuf(topic);
      await client.register(`${topic}-value`, { schema: texts[type], schemaType: type });
      const Serializer = type === "AVRO" ? confluent.AvroSerializer : confluent.JsonSerializer;
      const config = { autoRegisterSchemas: false, useLatestVersion: true };
      return new Serializer(client, confluent.SerdeType.VALUE, config).serialize(topic, order);
    },
    async read(type, topic, bytes) {
      const Deserializer = {
        AVRO: confluent.AvroDeserializer,
        JSON: confluent.JsonDeserializer,
        PROTOBUF: confluent.ProtobufDeserializer,
      }[type];
      return new Deserializer(client, confluent.SerdeType.VALUE, {}).deserialize(topic, bytes);
    },
  },
  "@kafkajs/confluent-schema-registry": {
    async write(type, topic) {
      const subject = `${topic}-value`;
      const { id } = await kafka.register({ type, schema: texts[type] }, { subject });
      return kafka.encode(id, order);
    },
    read: async (_type, _topic, bytes) => kafka.decode(bytes),
  },
  "confluent-kafka of Python": {
    async write(type, topic) {
      const rest = type === "PROTOBUF" ? protobuf() : { schema: texts[type] };
      const made = await python.ask({ do: "serialize", type, topic, value: order, ...rest });
      return Buffer.from(String(made), "base64");
    },
    read: (type, topic, bytes) => {
      const rest = type === "PROTOBUF" ? protobuf() : {};
      return python.ask({
        do: "deserialize",
        type,
        topic,
        bytes: bytes.toString("base64"),
        ...rest,
      });
    },
  },
};

async function writeProtobuf(topic: string): Promise<Buffer> {
  const set = bufbuild.fromJson(wellKnown.FileDescriptorSetSchema, { file: [orderFile] });
  const message = bufbuild.createFileRegistry(set).getMessage(protoName);
  const config = { autoRegisterSchemas: true };
  const serializer = new confluent.ProtobufSerializer(client, confluent.SerdeType.VALUE, config);
  serializer.registry.add(message);
  return serializer.serialize(topic, bufbuild.create(message, order));
}

/** It writes no message indexes, which every other client needs in front of Protobuf. */
const writesNoIndexes = "@kafkajs/confluent-schema-registry";

describe.each(["AVRO", "JSON", "PROTOBUF"] as const)("%s", (type) => {
  for (const writer of Object.keys(sides))
    for (const reader of Object.keys(sides)) {
      if (type === "PROTOBUF" && writer === writesNoIndexes && reader !== writer) continue;
      it(`written by ${writer} is read by ${reader}`, async () => {
        const topic = `${type}-${writer}-${reader}`.replaceAll(/[^\w-]/g, "_");
        const bytes = (await sides[writer]?.write(type, topic)) ?? Buffer.alloc(0);
        expect(bytes[0]).toBe(0);
        const id = bytes.readUInt32BE(1);
        const subjects = await ask(`/schemas/ids/${id}/subjects`);
        expect(subjects).toContain(`${topic}-value`);
        expect(await sides[reader]?.read(type, topic, bytes)).toMatchObject(order);
      });
    }
});

async function ask(path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${secretKey}` };
  return (await fetch(`${server.url}${path}`, { headers })).json();
}

describe("@confluentinc/schemaregistry", () => {
  it("finds its way through all that it can ask for", async () => {
    const subject = "confluent-manages";
    const [first, second] = [{ schema: avroText }, { schema: orderWithNote }];
    const id = await client.register(subject, first);
    expect(await client.getId(subject, first)).toBe(id);
    expect(await client.testSubjectCompatibility(subject, second)).toBe(true);
    expect(await client.register(subject, second)).toBeGreaterThan(id);
    expect(await client.getVersion(subject, second)).toBe(2);
    expect(await client.getAllVersions(subject)).toEqual([1, 2]);
    expect(await client.getAllSubjects()).toContain(subject);
    expect((await client.getSchemaMetadata(subject, 1)).id).toBe(id);
    const latest = await client.getLatestSchemaMetadata(subject);
    expect(latest.version).toBe(2);
    expect((await client.getByGuid(latest.guid)).schema).toBe(orderWithNote);
    expect((await client.getBySubjectAndId(subject, id)).schema).toBe(avroText);
    const other = { schema: '"string"' };
    expect(await client.testCompatibility(subject, 1, other)).toBe(false);
    await expect(client.register(subject, other)).rejects.toMatchObject({
      ...{ status: 409, errorCode: 40901 },
    });
    expect(await client.getDefaultCompatibility()).toBe("BACKWARD");
    await expect(client.getCompatibility(subject)).rejects.toMatchObject({ errorCode: 40408 });
    expect(await client.updateCompatibility(subject, "NONE")).toBe("NONE");
    expect(await client.getConfig(subject)).toEqual({ compatibilityLevel: "NONE" });
    expect(await client.deleteSubjectVersion(subject, 1)).toBe(1);
    expect(await client.deleteSubject(subject)).toEqual([2]);
    expect(await client.deleteSubject(subject, true)).toEqual([1, 2]);
    await expect(client.getAllVersions(subject)).rejects.toMatchObject({ errorCode: 40401 });
  });
});

describe("@kafkajs/confluent-schema-registry", () => {
  it("registers versions that follow each other, and is told which do not", async () => {
    const subject = "kafkajs-manages";
    const register = (schema: string) => kafka.register({ type: "AVRO", schema }, { subject });
    const { id } = await register(avroText);
    expect((await register(avroText)).id).toBe(id);
    const next = await register(orderWithNote);
    expect(await kafka.getLatestSchemaId(subject)).toBe(next.id);
    const old = await kafka.encode(id, order);
    expect(await kafka.decode(old)).toMatchObject(order);
    const incompatible =
      '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"x","type":"int"}]}';
    await expect(register(incompatible)).rejects.toThrow(/incompatible with an earlier schema/);
  });
});

describe("confluent-kafka of Python", () => {
  it("finds its way through all that it can ask for", async () => {
    const subject = "python/manages";
    const command = { do: "manage", subject, first: avroText, second: orderWithNote };
    const said = (await python.ask(command)) as { readonly id: number; readonly second: number[] };
    const { id } = said;
    expect(said).toMatchObject({
      types: ["AVRO", "JSON", "PROTOBUF"],
      second: [expect.any(Number), 2],
      schema: avroText,
      byGuid: orderWithNote,
      lookup: 2,
      latest: 2,
      first: id,
      versions: [1, 2],
      subjects: true,
      compatible: true,
      allCompatible: true,
      global: "BACKWARD",
      own: "FULL",
      config: "NONE",
      mode: "READONLY",
      readOnly: [422, 42205],
      incompatible: [409, 40901],
      globalMode: "READWRITE",
      contexts: ["."],
      deletedVersion: 1,
      hidden: [2],
      deleted: [1, 2],
      gone: [404, 40401],
    });
  });
});
