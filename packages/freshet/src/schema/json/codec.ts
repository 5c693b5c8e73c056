import { type Json, readJson } from "@freshet/protocol";
import type { ErrorObject } from "ajv";
import { messageOf, pointerToken, schemaBytes, schemaValue } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { SchemaCodec, ValueIssue } from "../schema.ts";
import { compileJson, type JsonValidator } from "./compile.ts";
import type { JsonSchema } from "./schema.ts";

/** Values of a JSON Schema are coded as JSON text. What is decoded is not held against the schema: `validate` does. */
export function jsonCodec(schema: JsonSchema): SchemaCodec {
  const quick = compileJson(schema);
  let thorough: JsonValidator | undefined;
  const explain = (value: Json): readonly ValueIssue[] => {
    thorough ??= compileJson(schema, { allErrors: true });
    if (thorough.validate(value)) return [];
    if (thorough.isCut)
      return [{ path: "", message: "takes too many steps to hold against the schema" }];
    return thorough.errors.slice(0, schemaLimits.differencesMax).map(issueOf);
  };
  return {
    validate: (value) => quick.validate(value),
    explain,
    encode(value) {
      if (!quick.validate(value))
        throw schemaValue(explain(value)[0] ?? { path: "", message: "is not of the schema" });
      return new Uint8Array(Buffer.from(JSON.stringify(value)));
    },
    decode,
  };
}

function issueOf(error: ErrorObject): ValueIssue {
  const own = ownPlace(error);
  return {
    path: own === undefined ? error.instancePath : error.instancePath + pointerToken(own),
    message: error.message ?? `breaks "${error.keyword}"`,
  };
}

/** The place of a property that is missing or too much is the property, not what it is in. */
function ownPlace({ params }: ErrorObject): string | undefined {
  const name: unknown =
    params["missingProperty"] ?? params["additionalProperty"] ?? params["unevaluatedProperty"];
  return typeof name === "string" ? name : undefined;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decode(bytes: Uint8Array): Json {
  if (bytes.length > schemaLimits.payloadBytesMax)
    throw schemaBytes(
      `the payload is ${bytes.length} bytes, at most ${schemaLimits.payloadBytesMax} are taken`,
    );
  try {
    return readJson(decoder.decode(bytes)) as Json;
  } catch (error) {
    throw schemaBytes(`the payload is not JSON: ${messageOf(error)}`, error);
  }
}
