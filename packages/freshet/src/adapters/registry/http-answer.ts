import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import {
  RegistryError,
  type RegistryErrorName,
  registryErrors,
  type SchemaContent,
  type SchemaReference,
  schemaTypeNames,
} from "../../core/registry/index.ts";
import { RegistryUnavailableError } from "../../engine/port/errors.ts";
import type { SubjectSchema } from "../../engine/port/schema-registry.ts";

/** Answers of a registry that may be anybody's: what is not as the API says is an error. */
export function schemaAnswer(answer: Json): SchemaContent {
  if (!isObject(answer)) throw unexpected("no object");
  const { schemaType = "AVRO", schema, references, metadata, ruleSet } = answer;
  const type = schemaTypeNames.find((name) => name === schemaType);
  if (type === undefined) throw unexpected(`a schema of type ${JSON.stringify(schemaType)}`);
  if (typeof schema !== "string") throw unexpected("no schema");
  return {
    schemaType: type,
    schema,
    references: Array.isArray(references) ? references.map(referenceOf) : [],
    ...(isObject(metadata) ? { metadata } : {}),
    ...(isObject(ruleSet) ? { ruleSet } : {}),
  };
}

export function versionAnswer(answer: Json): SubjectSchema {
  if (!isObject(answer)) throw unexpected("no object");
  const { subject, version, id } = answer;
  if (typeof subject !== "string" || !isWhole(version) || !isWhole(id))
    throw unexpected("a version without subject, version or id");
  return { subject, version, id, content: schemaAnswer(answer) };
}

function referenceOf(value: Json): SchemaReference {
  if (isObject(value)) {
    const { name, subject, version } = value;
    if (typeof name === "string" && typeof subject === "string" && isWhole(version))
      return { name, subject, version };
  }
  throw unexpected("a reference without name, subject or version");
}

/** The registry's own word for a refusal; undefined where the answer is no refusal, but a failure. */
export function refusalOf(status: number, text: string): RegistryError | undefined {
  if (status < 400 || status >= 500 || [401, 403, 407, 408, 425, 429].includes(status)) return;
  const { code, message } = partsOf(text);
  const kind = names.find((name) => registryErrors[name].code === code) ?? byStatus[status];
  if (kind === undefined) return undefined;
  return new RegistryError(kind, message ?? `the registry answered ${status}`);
}

const names = Object.keys(registryErrors) as RegistryErrorName[];

/** Older registries have other numbers for these, or none. */
const byStatus: { readonly [status: number]: RegistryErrorName } = {
  400: "requestInvalid",
  409: "incompatible",
  413: "schemaTooLarge",
  422: "requestInvalid",
};

function partsOf(text: string): { readonly code?: number; readonly message?: string } {
  try {
    const value = readJson(text) as Json;
    if (!isObject(value)) return {};
    const { error_code: code, message } = value;
    return {
      ...(isWhole(code) ? { code } : {}),
      ...(typeof message === "string" ? { message: message.slice(0, messageCharsMax) } : {}),
    };
  } catch {
    return {};
  }
}

const messageCharsMax = 4000;

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value);
}

function unexpected(what: string): RegistryUnavailableError {
  return new RegistryUnavailableError({
    message: `the registry answered with ${what}`,
    hint: "check that the configuration's registry serves the Confluent REST API at its url",
  });
}
