import type { Json, JsonObject } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import {
  RegistryError,
  type SchemaReference,
  type SchemaRequest,
  subjectOf,
} from "../../core/registry/index.ts";
import { isObject } from "../json.ts";
import { flagIn, listField, objectIn, textField, wholeField, wrongType } from "./request.ts";

const fields = ["schema", "schemaType", "references", "metadata", "ruleSet", "id", "version"];

/** The body that registering, looking up and testing have in common. */
export function schemaRequestIn(request: FastifyRequest): SchemaRequest {
  const body = objectIn(request, fields);
  const metadata = extra(body, "metadata", checkMetadata);
  const ruleSet = extra(body, "ruleSet", checkRuleSet);
  const id = positive(wholeField(body, "id"));
  const version = positive(wholeField(body, "version"));
  return {
    schema: textField(body, "schema") ?? "",
    schemaType: textField(body, "schemaType") ?? "AVRO",
    references: listField(body, "references").map(referenceOf),
    normalize: flagIn(request, "normalize"),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    ...(id === undefined ? {} : { id }),
    ...(version === undefined ? {} : { version }),
  };
}

/** Clients send 0 or -1 where they mean none. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function referenceOf(value: Json): SchemaReference {
  if (!isObject(value)) throw wrongType("a reference", "an object");
  const name = textField(value, "name") ?? "";
  const version = wholeField(value, "version");
  if (name === "" || version === undefined)
    throw wrongType("a reference", "an object with name, subject and version");
  return { name, subject: subjectOf(textField(value, "subject") ?? ""), version };
}

/** Empty parts are as good as none. */
function extra(
  body: JsonObject,
  name: string,
  check: (value: JsonObject) => void,
): JsonObject | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw wrongType(`"${name}"`, "an object");
  const kept = withoutNull(value, 0);
  if (!isObject(kept) || Object.keys(kept).length === 0) return undefined;
  check(kept);
  return kept;
}

function checkMetadata(metadata: JsonObject): void {
  const isTexts = (value: Json | undefined) =>
    Array.isArray(value) && value.every((part) => typeof part === "string");
  const isMap = (value: Json | undefined, isPart: (part: Json | undefined) => boolean) =>
    value === undefined || (isObject(value) && Object.values(value).every(isPart));
  const { tags, properties, sensitive, ...others } = metadata;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new RegistryError("requestInvalid", `Unrecognized field: ${unknown.slice(0, 60)}`);
  if (!isMap(tags, isTexts)) throw wrongType('"metadata.tags"', "lists of texts by path");
  if (!isMap(properties, (part) => typeof part === "string"))
    throw wrongType('"metadata.properties"', "texts by name");
  if (sensitive !== undefined && !isTexts(sensitive))
    throw wrongType('"metadata.sensitive"', "a list of texts");
}

const ruleLists = ["migrationRules", "domainRules", "encodingRules"];

/** Rules are kept for the clients that run them. */
function checkRuleSet(ruleSet: JsonObject): void {
  for (const [name, value] of Object.entries(ruleSet)) {
    if (name === "enableAt" && typeof value === "string") continue;
    if (!ruleLists.includes(name) || !Array.isArray(value)) throw invalidRules(`"${name}"`);
    for (const rule of value)
      if (!isObject(rule) || typeof rule["name"] !== "string" || rule["name"] === "")
        throw invalidRules(`a rule of "${name}" without a name`);
  }
}

function invalidRules(what: string): RegistryError {
  return new RegistryError("ruleSetInvalid", `Invalid rule set, details: ${what.slice(0, 100)}`);
}

/** Real ones end at four levels. */
const depthMax = 8;

function withoutNull(value: Json, depth: number): Json {
  if (depth > depthMax) throw wrongType("metadata and rules", `at most ${depthMax} levels deep`);
  if (Array.isArray(value)) return value.map((part) => withoutNull(part, depth + 1));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, part]) => part !== null);
  return Object.fromEntries(
    kept.map(([name, part]) => [name, withoutNull(part ?? null, depth + 1)]),
  );
}
