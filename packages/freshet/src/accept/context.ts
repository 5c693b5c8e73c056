import { FreshetError, type Json, type JsonObject, limits } from "@freshet/protocol";
import { isEmpty, isObject } from "./field.ts";
import type { Issue } from "./issue.ts";
import type { Batch, EventsInput } from "./request.ts";
import { jsonText } from "./text.ts";
import { validate } from "./validate.ts";

/**
 * What a batch says once is stored with each of its events: without this bound a request of 1 MiB could make
 * gigabytes of log. What is wrong in it is wrong in each event, so it goes into `issues` of all of them; it is
 * looked for here because validating mends in place, and only the first event would meet it.
 */
export function sharedOf(input: EventsInput, issues: Issue[]): JsonObject | undefined {
  const shared: Record<string, Json> = {};
  for (const field of ["context", "integrations"] as const) {
    const value = input[field];
    if (isObject(value) && !isEmpty(value)) shared[field] = value;
  }
  if (isEmpty(shared)) return undefined;
  const charsMax = Math.floor(limits.batchSharedCharsMax / Math.max(1, input.events.length));
  if (jsonText(shared, charsMax + 1).length > charsMax) {
    const message = `the batch's context should be at most ${charsMax} characters for ${input.events.length} events`;
    throw new FreshetError("bodyTooLarge", message);
  }
  validate(shared, input.surrogatesPossible ?? true, issues);
  return shared;
}

/** IPv4 addresses reach a dual-stack socket as `::ffff:1.2.3.4`. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** The event with what its batch says about all; where both say something, the event does. */
export function withShared(event: JsonObject, shared: JsonObject): JsonObject {
  const merged: Record<string, Json | undefined> = { ...event };
  for (const field in shared) {
    const own = event[field];
    if (isObject(own)) merged[field] = { ...asObject(shared[field]), ...own };
    else if (own === undefined || own === null) merged[field] = shared[field];
  }
  return merged;
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** What proves an identity is no data about an event, and is never kept. */
export function withoutToken(context: JsonObject): JsonObject {
  if (context.identityToken === undefined) return context;
  const { identityToken: _token, ...rest } = context;
  return rest;
}

/** With a browser's key anybody can claim any address, so only the connection is believed. */
export function contextOf(claimed: JsonObject | undefined, batch: Batch): JsonObject | undefined {
  const sent = claimed === undefined ? undefined : withoutToken(claimed);
  if (batch.input.source.kind === "server" || batch.input.resent?.isOwn === true) {
    return sent === undefined || isEmpty(sent) ? undefined : sent;
  }
  if (batch.ip !== undefined) return { ...sent, ip: batch.ip };
  if (sent === undefined) return undefined;
  const { ip: _claimed, ...context } = sent;
  return isEmpty(context) ? undefined : context;
}
