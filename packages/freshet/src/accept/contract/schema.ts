import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import type { SchemaDefinition } from "../../core/plan/definition.ts";
import {
  codecOf,
  type ParsedSchema,
  parseSchema,
  propertyNames,
  type ValueIssue,
} from "../../schema/index.ts";
import { isObject } from "../field.ts";
import { show } from "../issue.ts";
import type { ContentBreach, ContractCheck } from "./check.ts";

/** The check of a schema. Throws `schemaInvalid` for one that is wrong, or that no event could meet. */
export function schemaCheck(definition: SchemaDefinition): ContractCheck {
  const { language, text, message } = definition;
  const parsed = parseSchema(language, text);
  requireObjects(parsed);
  const codec = codecOf(parsed, message === undefined ? {} : { message });
  const names = propertyNames(parsed, message);
  return {
    ...(names === undefined ? {} : { names }),
    meets: (content) => codec.validate(content),
    breaches: (content) =>
      codec.explain(content).map((issue) => breachOf(issue, content, definition)),
  };
}

/** Properties are an object, whatever else a schema may be of. */
function requireObjects(schema: ParsedSchema): void {
  if (schema.type === "AVRO" && schema.root.kind !== "record")
    throw invalid(`an event's schema is a record, and this one is of type "${schema.root.kind}"`);
  if (schema.type !== "JSON") return;
  const { root } = schema;
  if (root === false) throw invalid("the schema allows nothing");
  if (root === true || root["type"] === undefined) return;
  const types = [root["type"]].flat() as readonly Json[];
  if (!types.includes("object"))
    throw invalid(`an event's schema is of type "object", and this one of ${types.join(", ")}`);
}

function invalid(message: string): FreshetError {
  return new FreshetError("schemaInvalid", message);
}

function breachOf(
  { path, message }: ValueIssue,
  content: JsonObject,
  definition: SchemaDefinition,
): ContentBreach {
  const keys = path
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  const came = definition.language === "JSON" ? valueAt(content, keys) : undefined;
  const bare = `${placeOf(keys.map((key) => toldKey(key, definition)))} ${bareOf(message, definition)}`;
  const told = `${placeOf(keys)} ${message}`;
  return { keys, told: came === undefined ? told : `${told}, but came as ${show(came)}`, bare };
}

function placeOf(keys: readonly string[]): string {
  return keys.length === 0 ? "the event" : `"${keys.join(".")}"`;
}

/** Keys of a map may be anything that a client had, so only what the schema itself names is repeated. */
function toldKey(key: string, { language, text }: SchemaDefinition): string {
  if (/^\d{1,4}$/.test(key)) return key;
  const isNamed =
    language === "PROTOBUF"
      ? /^\w+$/.test(key) && new RegExp(`\\b${key}\\b`).test(text)
      : text.includes(JSON.stringify(key));
  return isNamed ? key : "*";
}

/** What the library for Protobuf says after the colon quotes what it was given. */
function bareOf(message: string, { language }: SchemaDefinition): string {
  return language === "PROTOBUF" ? (message.split(":")[0] ?? message) : message;
}

function valueAt(root: JsonObject, keys: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const key of keys) {
    if (Array.isArray(value)) value = (value as readonly Json[])[Number(key)];
    else if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}
