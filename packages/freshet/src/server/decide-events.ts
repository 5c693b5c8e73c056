import type { Json, JsonObject, Rejection } from "@freshet/protocol";
import {
  type AcceptContext,
  acceptEvents,
  type CaptureShape,
  type Source,
} from "../accept/index.ts";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import { isObject } from "./json.ts";
import type { Identifiers } from "./profile-id.ts";

export interface DecideEvents {
  readonly events: readonly Json[];
  readonly identifiers: Identifiers;
  readonly source: Source;
  readonly sentAt: Json | undefined;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  readonly identityToken: string | undefined;
  /** The caller holds the secret key, or a token of the profile. */
  readonly isVouched: boolean;
}

export interface AcceptedEvents {
  /** In the order of the events. */
  readonly records: readonly (EventRecord | DeadLetterRecord)[];
  readonly rejected: readonly Rejection[];
}

/**
 * Events of a decision, through accept like all others. Each may be of either shape: what has a `type` is a Segment
 * event. One that names nobody is the profile's that is decided for.
 */
export function acceptDecideEvents(input: DecideEvents, context: AcceptContext): AcceptedEvents {
  const records: (EventRecord | DeadLetterRecord)[] = [];
  const rejected: Rejection[] = [];
  for (const shape of ["segment-batch", "native"] as const) {
    const places = input.events.flatMap((event, index) =>
      shapeOf(event) === shape ? [index] : [],
    );
    if (places.length === 0) continue;
    const accepted = acceptEvents(
      {
        shape,
        events: places.map((index) =>
          withIdentifiers(input.events[index] ?? null, input.identifiers),
        ),
        source: input.source,
        ...(input.sentAt === undefined ? {} : { sentAt: input.sentAt }),
        remoteAddress: input.remoteAddress,
        userAgent: input.userAgent,
        ...(input.identityToken === undefined ? {} : { identityToken: input.identityToken }),
        isVouched: input.isVouched,
      },
      context,
    );
    for (const [at, record] of accepted.records.entries()) records[places[at] ?? 0] = record;
    for (const refusal of accepted.rejected)
      rejected.push({ ...refusal, index: places[refusal.index] ?? 0 });
  }
  return { records, rejected: rejected.sort((a, b) => a.index - b.index) };
}

function shapeOf(event: Json): CaptureShape {
  return isObject(event) && Object.hasOwn(event, "type") ? "segment-batch" : "native";
}

function withIdentifiers(event: Json, { userId, anonymousId }: Identifiers): Json {
  if (!isObject(event)) return event;
  const [user, anonymous] =
    shapeOf(event) === "native" ? ["user_id", "anonymous_id"] : ["userId", "anonymousId"];
  if (isGiven(event, user ?? "") || isGiven(event, anonymous ?? "")) return event;
  const named: Record<string, Json | undefined> = { ...event };
  if (userId !== undefined) named[user ?? ""] = userId;
  if (anonymousId !== undefined) named[anonymous ?? ""] = anonymousId;
  return named;
}

function isGiven(event: JsonObject, field: string): boolean {
  const value = Object.hasOwn(event, field) ? event[field] : undefined;
  return value !== undefined && value !== null && value !== "";
}
