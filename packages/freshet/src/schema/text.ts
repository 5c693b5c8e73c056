import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import { messageOf, schemaInvalid } from "./error.ts";
import { schemaLimits } from "./limits.ts";
import type { SchemaReference } from "./schema.ts";

/** Refuses texts and references that are too large to look at. */
export function checkTexts(text: string, references: readonly SchemaReference[]): void {
  if (references.length > schemaLimits.referencesMax)
    throw schemaInvalid(
      `the schema has ${references.length} references, at most ${schemaLimits.referencesMax} are taken`,
    );
  const names = new Set(references.map(({ name }) => name));
  if (names.size < references.length) throw schemaInvalid("two references have the same name");
  let bytes = Buffer.byteLength(text);
  for (const reference of references) bytes += Buffer.byteLength(reference.text);
  if (bytes > schemaLimits.textBytesMax)
    throw schemaInvalid(
      `the schema with its references is ${bytes} bytes, at most ${schemaLimits.textBytesMax} are taken`,
    );
}

/**
 * A schema's text as JSON whose nesting is bounded and whose keys are all safe to assign. Nesting is counted before
 * parsing: a megabyte of brackets would end the parser's own stack.
 */
export function parseJson(text: string): Json {
  checkDepth(text);
  let value: Json;
  try {
    value = readJson(text) as Json;
  } catch (error) {
    throw schemaInvalid(`the schema is not JSON: ${messageOf(error)}`, error);
  }
  if (text.includes("__proto__")) refuseProto(value);
  else if (text.includes("\\u")) refuseProto(value);
  return value;
}

function checkDepth(text: string): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isText) {
      if (unit === backslash) at++;
      else if (unit === quote) isText = false;
    } else if (unit === quote) isText = true;
    else if (unit === openBrace || unit === openBracket) {
      if (++depth > schemaLimits.textDepthMax)
        throw schemaInvalid(`the schema is nested more than ${schemaLimits.textDepthMax} deep`);
    } else if (unit === closeBrace || unit === closeBracket) depth--;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Code that assigns by key, ours and of libraries, would set a prototype. */
function refuseProto(value: Json): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) refuseProto(item);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === "__proto__") throw schemaInvalid('the name "__proto__" is not taken in schemas');
    refuseProto(item ?? null);
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON with the keys of all objects sorted: equal for what means the same. */
export function sortedJson(value: Json): string {
  return JSON.stringify(value, (_key, part: Json) => {
    if (!isObject(part)) return part;
    return Object.fromEntries(
      Object.entries(part).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
    );
  });
}
