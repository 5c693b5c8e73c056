import { createHash } from "node:crypto";
import type { JsonObject } from "@freshet/protocol";

export interface DerivedId {
  readonly id: string;
  /** For the journey: how the id came to be. */
  readonly note: "idDerived" | "idRandom";
}

/**
 * The id of an event that has none (DESIGN 3, rule 4). With a timestamp it is derived from the event's own bytes
 * and its place in the request, so that a retry of the same bytes is the same event; without one, two equal
 * events are more likely two actions than a retry.
 */
export function deriveId(
  event: JsonObject,
  place: { readonly index: number; readonly timed: boolean },
  randomId: () => string,
): DerivedId {
  if (!place.timed) return { id: randomId(), note: "idRandom" };
  // A retry has a new `sentAt` and retry count, and may carry its key elsewhere: it is still the same event.
  const { sentAt: _sent, writeKey: _key, _metadata: _meta, ...own } = event;
  const hash = createHash("sha256").update(`${place.index}\n${JSON.stringify(own)}`);
  return { id: `derived-${hash.digest("hex").slice(0, hexDigits)}`, note: "idDerived" };
}

/** 128 bits, the width that deduplication keeps. */
const hexDigits = 32;
