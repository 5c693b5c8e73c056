import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import { unpackData } from "./cloudevent.ts";
import { isObject } from "./field.ts";
import { show } from "./issue.ts";
import type { CaptureShape } from "./request.ts";

/** The events of a body, and what it says about all of them. */
export interface Envelope {
  readonly events: readonly Json[];
  readonly single: boolean;
  readonly context?: Json | undefined;
  readonly integrations?: Json | undefined;
  readonly sentAt?: Json | undefined;
}

export function openEnvelope(shape: CaptureShape, body: Json): Envelope {
  switch (shape) {
    case "segment-single":
      return single(body, "one event as an object");
    case "segment-batch": {
      const batch = batchOf(body);
      if (batch !== undefined) return batch;
      throw bodyShape('{ "batch": [...] }', body);
    }
    case "cloudevent":
    case "cloudevent-binary":
      return { events: [unpackData(object(body, "one CloudEvent as an object"))], single: true };
    case "cloudevent-batch":
      if (isList(body)) return { events: body.map(unpackData), single: false };
      throw bodyShape("an array of CloudEvents", body);
    case "native":
    case "either":
    case "import-rows":
      if (isList(body)) return { events: body, single: false };
      return batchOf(body) ?? single(body, "an event, an array of events or { batch: [...] }");
  }
}

function batchOf(body: Json): Envelope | undefined {
  if (!isObject(body) || !isList(body.batch)) return undefined;
  const { batch, context, integrations, sentAt } = body;
  return { events: batch, single: false, context, integrations, sentAt };
}

function single(body: Json, expected: string): Envelope {
  const event = object(body, expected);
  return { events: [event], single: true, sentAt: event.sentAt };
}

function object(body: Json, expected: string): JsonObject {
  if (isObject(body)) return body;
  throw bodyShape(expected, body);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function bodyShape(expected: string, body: Json): FreshetError {
  const came = isObject(body) ? "an object without it" : show(body);
  return new FreshetError("bodyShape", `the body should be ${expected}, but came as ${came}`);
}
