import {
  type AcceptContext,
  type Accepted,
  accept,
  type CaptureRequest,
  compileContracts,
  compileJoins,
  sourcesOf,
} from "../../src/accept/index.ts";
import type { AcceptedEvent, DeadLetter } from "../../src/core/event.ts";

export const now = Date.parse("2026-05-04T12:00:00.000Z");
export const minute = 60_000;
export const hour = 60 * minute;

export const sources = sourcesOf([
  { name: "web", writeKey: "WK", kind: "browser" },
  { name: "shop", writeKey: "SK", kind: "server" },
]);

export function contextWith(changes: Partial<AcceptContext> = {}): AcceptContext {
  let count = 0;
  return {
    now,
    partitions: 8,
    sources,
    contracts: compileContracts([]),
    joins: compileJoins([]),
    tables: new Map(),
    randomId: () => `random-${count++}`,
    ...changes,
  };
}

export function bytes(body: unknown): Uint8Array {
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

/** A request with the server source's key in the header, unless told otherwise. */
export function requestOf(
  shape: CaptureRequest["shape"],
  body: unknown,
  changes: Partial<CaptureRequest> = {},
): CaptureRequest {
  const headers = { authorization: `Basic ${btoa("SK:")}` };
  const content = body instanceof Uint8Array ? body : bytes(body);
  return { shape, headers, query: {}, body: content, ...changes };
}

export function batch(events: readonly unknown[], context = contextWith()): Accepted {
  return accept(requestOf("segment-batch", { batch: events }), context);
}

export function native(body: unknown, context = contextWith()): Accepted {
  return accept(requestOf("native", body), context);
}

/** The only event of an answer in which nothing was refused. */
export function onlyEvent(accepted: Accepted): AcceptedEvent {
  const record = accepted.records[0];
  if (accepted.records.length !== 1 || record?.kind !== "event") {
    throw new Error(`expected one event, got ${JSON.stringify(accepted)}`);
  }
  return record.event;
}

export function onlyLetter(accepted: Accepted): DeadLetter {
  const record = accepted.records[0];
  if (accepted.records.length !== 1 || record?.kind !== "deadLetter") {
    throw new Error(`expected one dead letter, got ${JSON.stringify(accepted)}`);
  }
  return record.letter;
}

export function track(changes: object = {}): object {
  return { type: "track", event: "Product Viewed", userId: "u1", messageId: "m1", ...changes };
}
