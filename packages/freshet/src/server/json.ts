import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import { readBody } from "../accept/index.ts";

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The body of a request that is not capture, which is always one object. */
export function jsonObject(body: Uint8Array, contentEncoding: string | undefined): JsonObject {
  const { value } = readBody(body, contentEncoding);
  if (isObject(value)) return value;
  throw new FreshetError("requestShape", "the body should be a JSON object");
}
