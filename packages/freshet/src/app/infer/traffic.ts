import type { JsonObject } from "@freshet/protocol";
import { contractCodes, type RefusedContent, readLetter } from "../../accept/index.ts";
import type { AcceptedEvent, DeadLetter } from "../../core/event.ts";
import { murmur2Signed } from "../../core/hash.ts";
import { contentOf } from "../../core/up-cast.ts";
import { inferLimits, type SeenEvent } from "../../schema/infer/index.ts";

/** An event as it came, taken or refused, by its place in the log. */
export interface LoggedEvent {
  readonly offset: number;
  readonly at: number;
  readonly event?: AcceptedEvent;
  readonly deadLetter?: DeadLetter;
}

/** Events of a log, newest first. */
export interface EventReader {
  /** Batches, so that whoever reads can show how far it is. */
  read(): AsyncIterable<readonly LoggedEvent[]> | Iterable<readonly LoggedEvent[]>;
}

/** An event with what its contract is about. */
export interface ReadEvent extends SeenEvent {
  readonly field: string;
  readonly said: number | undefined;
}

/** Why an event of the log says nothing about contracts. */
export type Passed = "corrected" | "otherRefusal" | "notKept";

export function readEvent(logged: LoggedEvent): ReadEvent | Passed {
  const { event, deadLetter } = logged;
  if (event !== undefined) return event.corrects === undefined ? readAccepted(event) : "corrected";
  if (deadLetter === undefined || !contractCodes.includes(deadLetter.code)) return "otherRefusal";
  const refused = readLetter(deadLetter);
  return refused === undefined ? "notKept" : readRefused(refused, deadLetter);
}

function readAccepted(event: AcceptedEvent): ReadEvent {
  const { id, type, name, userId, anonymousId, source, context, version } = event;
  return {
    id,
    name,
    content: contentOf(event),
    field: type === "identify" ? "traits" : "properties",
    said: version,
    origin: originOf(source, context),
    profile: profileMark(userId, anonymousId),
    isRefused: false,
  };
}

function readRefused(refused: RefusedContent, { id, source }: DeadLetter): ReadEvent {
  const { name, content, field, said, userId, anonymousId, context } = refused;
  return {
    ...{ id, name, content, field, said },
    origin: originOf(source, context),
    profile: profileMark(userId, anonymousId),
    isRefused: true,
  };
}

function profileMark(userId: string | undefined, anonymousId: string | undefined): number {
  if (userId !== undefined) return murmur2Signed(`user:${userId}`);
  return murmur2Signed(`anon:${anonymousId ?? ""}`);
}

/** "source web, library analytics.js 4.1" */
function originOf(source: string, context: JsonObject | undefined): string {
  const library = context?.["library"];
  const sent = `source ${source}`;
  if (typeof library !== "object" || library === null || !("name" in library)) return sent;
  const { name, version } = library as JsonObject;
  // Pages name their own library; what looks like somebody's address is none.
  if (typeof name !== "string" || /[^\s@]@[^\s@]+\.[^\s@]/.test(name)) return sent;
  const whole = `${sent}, library ${name}${typeof version === "string" ? ` ${version}` : ""}`;
  return whole.slice(0, inferLimits.originCharsMax);
}
