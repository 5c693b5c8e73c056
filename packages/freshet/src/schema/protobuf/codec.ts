import type { Json, JsonObject } from "@freshet/protocol";
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import { messageOf, pointerToken, schemaBytes, schemaInvalid, schemaValue } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { SchemaCodec, ValueIssue } from "../schema.ts";
import { isObject } from "../text.ts";
import { messageNamed } from "./parse.ts";
import { localName, type ProtobufSchema } from "./schema.ts";

/**
 * Codes one message of a schema, the file's first if none is named. JSON is Protobuf's own mapping, with the names
 * that the schema has; what is decoded may be of another version, whose unknown fields are passed over.
 */
export function protobufCodec(schema: ProtobufSchema, message?: string): SchemaCodec {
  const type = message === undefined ? schema.messages[0] : messageNamed(schema, message);
  if (type === undefined)
    throw schemaInvalid(
      message === undefined
        ? "the schema has no message"
        : `the schema has no message "${message}"`,
    );
  const made = (value: Json): protobuf.Message => {
    const found = protojson.fromJson(type, value);
    checkRequired(type, found, 0);
    return found;
  };
  const explain = (value: Json): readonly ValueIssue[] => {
    const issues: ValueIssue[] = [];
    explainMessage(type, value, "", issues);
    if (issues.length > 0) return issues;
    const whole = problemOf(() => made(value));
    return whole === undefined ? [] : [{ path: "", message: `is not of the schema: ${whole}` }];
  };
  return {
    validate: (value) => problemOf(() => made(value)) === undefined,
    explain,
    encode(value) {
      let bytes: Uint8Array | undefined;
      const problem = problemOf(() => {
        bytes = type.encode(made(value)).finish();
      });
      if (bytes !== undefined) return bytes;
      throw schemaValue(
        explain(value)[0] ?? { path: "", message: `is not of the schema: ${problem}` },
      );
    },
    decode(bytes) {
      if (bytes.length > schemaLimits.payloadBytesMax)
        throw schemaBytes(
          `the payload is ${bytes.length} bytes, at most ${schemaLimits.payloadBytesMax} are taken`,
        );
      try {
        return protojson.toJson(type, type.decode(bytes)) as Json;
      } catch (error) {
        const name = localName(type.fullName, schema.package);
        throw schemaBytes(`the payload is no "${name}": ${messageOf(error)}`, error);
      }
    },
  };
}

function problemOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** JSON leaves fields out without a word; proto2 has ones that must be there. */
function checkRequired(type: protobuf.Type, message: object, depth: number): void {
  if (depth > schemaLimits.valueDepthMax) throw new Error("the value is nested too deep");
  for (const field of type.fieldsArray) {
    const value: unknown = Object.hasOwn(message, field.name)
      ? Reflect.get(message, field.name)
      : undefined;
    if (value === undefined || value === null) {
      if (field.required) throw new Error(`${field.name}: required field is missing`);
    } else if (field.resolvedType instanceof protobuf.Type && typeof value === "object") {
      const { resolvedType } = field;
      if (resolvedType.fullName.startsWith(".google.protobuf.")) continue;
      const many = field.repeated || field instanceof protobuf.MapField;
      for (const item of many ? Object.values(value) : [value])
        checkRequired(resolvedType, item as object, depth + 1);
    }
  }
}

/** Tries each field by itself, and the parts of those that fail. */
function explainMessage(
  type: protobuf.Type,
  value: Json,
  path: string,
  issues: ValueIssue[],
): void {
  if (type.fullName.startsWith(".google.protobuf.")) {
    tryValue(type, value, path, issues);
    return;
  }
  if (!isObject(value)) {
    issues.push({ path, message: `should be an object of "${type.name}"` });
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    if (issues.length >= schemaLimits.differencesMax) return;
    const field = fieldNamed(type, name);
    const place = path + pointerToken(name);
    if (field === undefined) issues.push({ path: place, message: "is no field of the schema" });
    else explainField({ type, field, name }, item ?? null, place, issues);
  }
  for (const field of type.fieldsArray)
    if (field.required && (value[field.name] ?? value[field.jsonName ?? ""] ?? null) === null)
      issues.push({
        path: path + pointerToken(field.name),
        message: "should be there, but is missing",
      });
}

function fieldNamed(type: protobuf.Type, name: string): protobuf.Field | undefined {
  return type.fieldsArray.find((field) => field.name === name || field.jsonName === name);
}

interface Place {
  readonly type: protobuf.Type;
  readonly field: protobuf.Field;
  readonly name: string;
}

function explainField(
  { type, field, name }: Place,
  value: Json,
  path: string,
  issues: ValueIssue[],
) {
  const single: JsonObject = { [name]: value };
  const problem = problemOf(() => protojson.fromJson(type, single));
  const { resolvedType } = field;
  const parts = partsOf(field, value);
  if (resolvedType instanceof protobuf.Type && value !== null && parts !== undefined) {
    for (const [token, part] of parts) explainMessage(resolvedType, part, path + token, issues);
    return;
  }
  if (problem !== undefined) issues.push({ path, message: `is not of its type: ${problem}` });
}

/** The messages in a field's value, each with its pointer below the field. */
function partsOf(
  field: protobuf.Field,
  value: Json,
): readonly (readonly [string, Json])[] | undefined {
  if (field instanceof protobuf.MapField)
    return isObject(value)
      ? Object.entries(value).map(([key, part]) => [pointerToken(key), part ?? null] as const)
      : undefined;
  if (!field.repeated) return [["", value]];
  return Array.isArray(value)
    ? value.map((part: Json, at) => [pointerToken(at), part] as const)
    : undefined;
}

function tryValue(type: protobuf.Type, value: Json, path: string, issues: ValueIssue[]): void {
  const problem = problemOf(() => protojson.fromJson(type, value));
  if (problem !== undefined) issues.push({ path, message: `is not of its type: ${problem}` });
}
