/** Schemas: what validating, encoding and decoding an event costs by kind, its bytes, and checking a large schema. */
import { pathToFileURL } from "node:url";
import type { Json } from "@freshet/protocol";
import {
  checkCompatibility,
  codecOf,
  type ParsedSchema,
  parseSchema,
  type SchemaType,
} from "../packages/freshet/src/schema/index.ts";
import { median } from "./load.ts";
import { makeEvent, randomOf } from "./shape.ts";

export interface KindSpeed {
  readonly kind: SchemaType;
  readonly validateNs: number;
  readonly encodeNs: number;
  readonly decodeNs: number;
  readonly bytesPerEvent: number;
}

export interface SchemaSpeed {
  readonly kinds: readonly KindSpeed[];
  /** One version of 1,000 fields held against 100 earlier ones, BACKWARD_TRANSITIVE; parsing not counted. */
  readonly checkMs: { readonly [kind: string]: number };
  readonly checkFields: number;
  readonly checkVersions: number;
}

const eventCount = 20_000;
const rounds = 3;
const roundMs = 700;
const fields = 1000;
const versions = 100;

/** The envelope of the shop's events; properties are optional, as each name has its own. */
const properties = [
  "product_id",
  "name",
  "category",
  "path",
  "title",
  "query",
  "order_id",
  "currency",
];
const numbers = ["price", "total"];
const envelope = ["messageId", "type", "anonymousId"];

const nullable = (type: string) => ({ type: ["null", type], default: null });

const avro = {
  type: "record",
  name: "Event",
  fields: [
    ...envelope.map((name) => ({ name, type: "string" })),
    ...["event", "name"].map((name) => ({ name, ...nullable("string") })),
    {
      name: "properties",
      type: {
        type: "record",
        name: "Properties",
        fields: [
          ...properties.map((name) => ({ name, ...nullable("string") })),
          ...numbers.map((name) => ({ name, ...nullable("double") })),
        ],
      },
    },
    {
      name: "context",
      type: {
        type: "record",
        name: "Context",
        fields: [
          {
            name: "page",
            type: { type: "record", name: "Page", fields: [{ name: "path", type: "string" }] },
          },
          { name: "locale", type: "string" },
        ],
      },
    },
  ],
};

const text = { type: "string" };
const entries = (names: readonly string[], value: Json) =>
  Object.fromEntries(names.map((name) => [name, value]));

const json = {
  type: "object",
  properties: {
    ...entries([...envelope, "event", "name"], text),
    properties: {
      type: "object",
      properties: { ...entries(properties, text), ...entries(numbers, { type: "number" }) },
    },
    context: {
      type: "object",
      properties: {
        page: { type: "object", properties: { path: text }, required: ["path"] },
        locale: text,
      },
      required: ["page"],
    },
  },
  required: [...envelope, "properties", "context"],
};

const protobuf = `syntax = "proto3";
message Event {
  string messageId = 1; string type = 2; string anonymousId = 3; optional string event = 4; optional string name = 5;
  message Properties {
    ${properties.map((name, at) => `optional string ${name} = ${at + 1};`).join(" ")}
    ${numbers.map((name, at) => `optional double ${name} = ${at + 20};`).join(" ")}
  }
  message Page { string path = 1; }
  message Context { Page page = 1; string locale = 2; }
  Properties properties = 6; Context context = 7;
}`;

const shop: readonly (readonly [SchemaType, string])[] = [
  ["JSON", JSON.stringify(json)],
  ["AVRO", JSON.stringify(avro)],
  ["PROTOBUF", protobuf],
];

export function measureSchema(): SchemaSpeed {
  const random = randomOf(5);
  const events = Array.from({ length: eventCount }, () => makeEvent(random) as Json);
  const kinds = shop.map(([kind, schema]) => measureKind(parseSchema(kind, schema), events));
  const checkMs = Object.fromEntries(
    (["AVRO", "JSON", "PROTOBUF"] as const).map((kind) => [kind, measureCheck(kind)]),
  );
  return { kinds, checkMs, checkFields: fields, checkVersions: versions };
}

function measureKind(schema: ParsedSchema, events: readonly Json[]): KindSpeed {
  const codec = codecOf(schema);
  const wrong = events.find((event) => !codec.validate(event));
  if (wrong !== undefined)
    throw new Error(`${schema.type} refuses ${JSON.stringify([wrong, codec.explain(wrong)])}`);
  const encoded = events.map((event) => codec.encode(event));
  const bytes = encoded.reduce((sum, one) => sum + one.length, 0);
  return {
    kind: schema.type,
    validateNs: nanoseconds(events, (event) => codec.validate(event)),
    encodeNs: nanoseconds(events, (event) => codec.encode(event)),
    decodeNs: nanoseconds(encoded, (one) => codec.decode(one)),
    bytesPerEvent: bytes / events.length,
  };
}

/** Nanoseconds an item, the median of the rounds; one more goes before them and is not counted. */
function nanoseconds<Item>(items: readonly Item[], run: (item: Item) => unknown): number {
  const round = () => {
    const began = performance.now();
    let count = 0;
    do {
      for (const item of items) run(item);
      count += items.length;
    } while (performance.now() - began < roundMs);
    return ((performance.now() - began) * 1e6) / count;
  };
  round();
  return median(Array.from({ length: rounds }, round));
}

/** Each version has one field more than the one before; version `versions` has a thousand. */
export function largeSchema(kind: SchemaType, version: number): string {
  const names = Array.from({ length: fields - versions + version }, (_, at) => `f${at}`);
  if (kind === "AVRO")
    return JSON.stringify({
      type: "record",
      name: "Large",
      fields: names.map((name) => ({ name, ...nullable("string") })),
    });
  if (kind === "JSON")
    return JSON.stringify({
      type: "object",
      properties: entries(names, text),
      additionalProperties: false,
    });
  return `syntax = "proto3"; message Large { ${names.map((name, at) => `string ${name} = ${at + 1};`).join(" ")} }`;
}

function measureCheck(kind: SchemaType): number {
  const earlier = Array.from({ length: versions }, (_, version) => ({
    version: version + 1,
    schema: parseSchema(kind, largeSchema(kind, version)),
  }));
  const schema = parseSchema(kind, largeSchema(kind, versions));
  const round = () => {
    const began = performance.now();
    const { isCompatible, messages } = checkCompatibility("BACKWARD_TRANSITIVE", schema, earlier);
    if (!isCompatible) throw new Error(messages.join("\n"));
    return performance.now() - began;
  };
  round();
  return median(Array.from({ length: rounds }, round));
}

export function schemaMarkdown({
  kinds,
  checkMs,
  checkFields,
  checkVersions,
}: SchemaSpeed): string {
  const [base] = kinds;
  const beside = (one: number, other: number | undefined) =>
    other === undefined ? "" : ` (${(one / other).toFixed(1)})`;
  const speed = (ns: number, other: number | undefined) =>
    `${Math.round(ns).toLocaleString("en-GB")} ns${beside(ns, other)}`;
  const kindRow = ({ kind, validateNs, encodeNs, decodeNs, bytesPerEvent }: KindSpeed) =>
    `| ${kind} | ${speed(validateNs, base?.validateNs)} | ${speed(encodeNs, base?.encodeNs)} | ${speed(decodeNs, base?.decodeNs)} | ${Math.round(bytesPerEvent)}${beside(bytesPerEvent, base?.bytesPerEvent)} |`;
  const checkRow = ([kind, ms]: [string, number]) => `| ${kind} | ${ms.toFixed(0)} ms |`;
  return `| one event of the shop, by kind of schema (beside JSON) | validate | encode | decode | bytes |
| --- | ---: | ---: | ---: | ---: |
${kinds.map(kindRow).join("\n")}

| ${checkFields.toLocaleString("en-GB")} fields held against ${checkVersions} versions, parsed before | |
| --- | ---: |
${Object.entries(checkMs).map(checkRow).join("\n")}
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.stdout.write(schemaMarkdown(measureSchema()));
