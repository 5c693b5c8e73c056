/** The registry's clients for Node, loaded from where they were installed, with as much of their types as is used. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { fetchNpmClients } from "./fetch.ts";

export interface SchemaInfo {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly { name: string; subject: string; version: number }[];
}

export interface ConfluentClient {
  register(subject: string, schema: SchemaInfo, normalize?: boolean): Promise<number>;
  getId(subject: string, schema: SchemaInfo): Promise<number>;
  getVersion(subject: string, schema: SchemaInfo): Promise<number>;
  getBySubjectAndId(subject: string, id: number, format?: string): Promise<SchemaInfo>;
  getByGuid(guid: string): Promise<SchemaInfo>;
  getLatestSchemaMetadata(subject: string): Promise<{ id: number; version: number; guid: string }>;
  getSchemaMetadata(subject: string, version: number): Promise<{ id: number }>;
  getAllVersions(subject: string): Promise<number[]>;
  getAllSubjects(): Promise<string[]>;
  testSubjectCompatibility(subject: string, schema: SchemaInfo): Promise<boolean>;
  testCompatibility(subject: string, version: number, schema: SchemaInfo): Promise<boolean>;
  getCompatibility(subject: string): Promise<string>;
  updateCompatibility(subject: string, level: string): Promise<string>;
  getDefaultCompatibility(): Promise<string>;
  getConfig(subject: string): Promise<object>;
  deleteSubjectVersion(subject: string, version: number, permanent?: boolean): Promise<number>;
  deleteSubject(subject: string, permanent?: boolean): Promise<number[]>;
}

interface Serializer {
  serialize(topic: string, value: unknown): Promise<Buffer>;
}
interface Deserializer {
  deserialize(topic: string, bytes: Buffer): Promise<unknown>;
}
type MakeSerde<Serde> = new (client: ConfluentClient, type: unknown, config: object) => Serde;

export interface Confluent {
  readonly SchemaRegistryClient: new (config: object) => ConfluentClient;
  readonly SerdeType: { readonly VALUE: unknown };
  readonly AvroSerializer: MakeSerde<Serializer>;
  readonly AvroDeserializer: MakeSerde<Deserializer>;
  readonly JsonSerializer: MakeSerde<Serializer>;
  readonly JsonDeserializer: MakeSerde<Deserializer>;
  readonly ProtobufSerializer: MakeSerde<
    Serializer & { readonly registry: { add(message: unknown): void } }
  >;
  readonly ProtobufDeserializer: MakeSerde<Deserializer>;
}

export interface KafkaJs {
  readonly SchemaRegistry: new (
    api: object,
    options?: object,
  ) => {
    register(
      schema: { readonly type: string; readonly schema: string; readonly references?: object },
      options: { readonly subject: string },
    ): Promise<{ readonly id: number }>;
    getLatestSchemaId(subject: string): Promise<number>;
    encode(id: number, value: unknown): Promise<Buffer>;
    decode(bytes: Buffer): Promise<unknown>;
  };
}

export interface Bufbuild {
  fromJson(schema: unknown, value: object): unknown;
  toBinary(schema: unknown, value: unknown): Uint8Array;
  create(schema: unknown, value: object): object;
  createFileRegistry(...inputs: unknown[]): { getMessage(name: string): unknown };
}

const load = createRequire(join(fetchNpmClients(), "package.json"));
export const confluent = load("@confluentinc/schemaregistry") as Confluent;
export const kafkajs = load("@kafkajs/confluent-schema-registry") as KafkaJs;
export const bufbuild = load("@bufbuild/protobuf") as Bufbuild;
export const wellKnown = load("@bufbuild/protobuf/wkt") as {
  readonly FileDescriptorSetSchema: unknown;
  readonly FileDescriptorProtoSchema: unknown;
};
