import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import { readBody } from "../../accept/index.ts";
import { type Page, RegistryError, subjectOf } from "../../core/registry/index.ts";
import { isObject } from "../json.ts";
import { bodyOf, headerText, pathText, queryText } from "../route/route.ts";
import { registryTypes } from "./error-form.ts";

/** The subject of the path, decoded. */
export function subjectIn(request: FastifyRequest): string {
  return subjectOf(pathText(request, "subject"));
}

/** As clients in all languages write it: `true`, `True`. */
export function flagIn(request: FastifyRequest, name: string): boolean {
  return queryText(request, name)?.toLowerCase() === "true";
}

export function pageIn(request: FastifyRequest): Page {
  return {
    offset: Math.max(0, wholeIn(request, "offset") ?? 0),
    limit: wholeIn(request, "limit") ?? -1,
  };
}

function wholeIn(request: FastifyRequest, name: string): number | undefined {
  const text = queryText(request, name);
  if (text === undefined) return undefined;
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new RegistryError(
    "requestInvalid",
    `"${name}" should be a whole number, but came as "${text.slice(0, 60)}"`,
  );
}

/** An id in the path: what is no number names nothing. */
export function idIn(request: FastifyRequest): number {
  const text = pathText(request, "id");
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new FreshetError("notFound", `"${text.slice(0, 60)}" is no id of a schema`);
}

/** Clients that know more than this registry send more, and say that it may be ignored. */
export function acceptsUnknown(request: FastifyRequest): boolean {
  return headerText(request, "confluent-accept-unknown-properties")?.toLowerCase() === "true";
}

/** The body as an object with these fields at most; those that are null are left out. */
export function objectIn(request: FastifyRequest, known: readonly string[]): JsonObject {
  checkType(request.contentTypeSent);
  const bytes = bodyOf(request);
  if (bytes.byteLength === 0) throw new RegistryError("requestInvalid", "The body may not be null");
  const { value } = readBody(bytes, request.headers["content-encoding"]);
  if (!isObject(value)) throw wrongType("the body", "an object");
  const isIgnored = acceptsUnknown(request);
  const entries = Object.entries(value).filter(([name, part]) => {
    if (known.includes(name)) return part !== null;
    if (isIgnored) return false;
    throw new RegistryError("requestInvalid", `Unrecognized field: ${name.slice(0, 60)}`);
  });
  return Object.fromEntries(entries);
}

const takenTypes: readonly string[] = [...registryTypes, "application/octet-stream"];

function checkType(contentType: string | undefined): void {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "" || takenTypes.includes(type)) return;
  throw new FreshetError(
    "mediaTypeUnknown",
    `the body should be JSON, but came as "${type.slice(0, 100)}"`,
  );
}

export function textField(body: JsonObject, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "string") return value;
  throw wrongType(`"${name}"`, "a text");
}

export function flagField(body: JsonObject, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongType(`"${name}"`, "true or false");
}

export function wholeField(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value)))
    return value;
  throw wrongType(`"${name}"`, "a whole number");
}

export function listField(body: JsonObject, name: string): readonly Json[] {
  const value = body[name] ?? [];
  if (Array.isArray(value)) return value;
  throw wrongType(`"${name}"`, "a list");
}

export function wrongType(what: string, expected: string): FreshetError {
  return new FreshetError("requestShape", `${what} should be ${expected}`);
}
