import type { Json, JsonObject } from "@freshet/protocol";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { type EventVersion, shapeSchema } from "../../core/plan/contract.ts";
import { show } from "../issue.ts";
import type { ContentBreach, ContractCheck } from "./check.ts";

/** The check of a shape: names with kinds, one level deep. */
export function shapeCheck(shape: EventVersion["properties"]): ContractCheck {
  const schema = shapeSchema(shape);
  const quick = new Ajv(options).compile(schema);
  let thorough: ValidateFunction | undefined;
  return {
    meets: quick,
    breaches(content) {
      // All errors take longer to find than the first, so only a breach is asked for them.
      thorough ??= new Ajv({ ...options, allErrors: true }).compile(schema);
      thorough(content);
      return (thorough.errors ?? []).map((error) => breachOf(error, content));
    },
  };
}

/**
 * `ownProperties`: a property named like one of `Object.prototype` must really be there. The schema is our own, and the
 * draft's schema of schemas takes milliseconds to compile.
 */
const options = {
  ...{ ownProperties: true, messages: false, allowUnionTypes: true },
  ...{ meta: false, validateSchema: false },
} as const;

const typeWords: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["number", "a number"],
  ["integer", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "an object"],
]);

function breachOf(error: ErrorObject, content: JsonObject): ContentBreach {
  const property = propertyOf(error);
  const bare = expectation(error, property);
  const isMissing = error.keyword === "required";
  const told = isMissing ? bare : `${bare}, but came as ${show(content[property])}`;
  return { keys: [property], told, bare };
}

function expectation(error: ErrorObject, property: string): string {
  if (error.keyword === "required") return `"${property}" should be there, but is missing`;
  const types: Json = error.params["type"];
  const word = typeWords.get(String(Array.isArray(types) ? types[0] : types)) ?? "of its type";
  return `"${property}" should be ${word}`;
}

function propertyOf(error: ErrorObject): string {
  if (error.keyword === "required") return String(error.params["missingProperty"]);
  return error.instancePath.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");
}
