import { FreshetError } from "@freshet/protocol";
import type { ValueIssue } from "./schema.ts";

/** The schema itself is wrong, or more than `schemaLimits` allow. */
export function schemaInvalid(message: string, cause?: unknown): FreshetError {
  return new FreshetError("schemaInvalid", message, cause === undefined ? {} : { cause });
}

/** A value is not what its schema asks for. */
export function schemaValue(issue: ValueIssue): FreshetError {
  const place = issue.path === "" ? "the value" : `"${issue.path}"`;
  return new FreshetError("schemaValue", `${place} ${issue.message}`);
}

/** Bytes are not what the writer's schema says. */
export function schemaBytes(message: string, cause?: unknown): FreshetError {
  return new FreshetError("schemaBytes", message, cause === undefined ? {} : { cause });
}

/** A library's message in our words' form: one line, without its end mark. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, " ").replace(/\.$/, "").slice(0, messageCharsMax);
}

/** Libraries quote what they did not like, whole. */
const messageCharsMax = 300;

/** A token of JSON Pointer. */
export function pointerToken(name: string | number): string {
  return `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
