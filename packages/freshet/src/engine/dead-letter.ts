import type { Json, JsonObject } from "@freshet/protocol";
import type { DeadLetter } from "../core/event.ts";
import { hashHex } from "../core/hash.ts";

/** A letter as it is kept: `id` is the event's message id, `offset` that of its first record and the letter's own id. */
export interface StoredDeadLetter extends DeadLetter {
  readonly offset: number;
  /** Of the record that rejected it last. */
  readonly lastOffset: number;
  readonly lastAt: number;
  /** How often the same event was rejected. */
  readonly count: number;
  readonly state: LetterState;
  /** What it takes of `deadLetterBytesMax`. */
  readonly bytes: number;
  /** Under which its kind is counted (`LetterKinds`). */
  readonly kind: string;
}

export type LetterState =
  | { readonly kind: "waiting" }
  /** Corrected, and reduced at `offset`; a duplicate where its message id had been applied already, there. */
  | {
      readonly kind: "sent";
      readonly at: number;
      readonly offset: number;
      readonly outcome: "applied" | "duplicate";
    }
  | {
      readonly kind: "discarded";
      readonly at: number;
      readonly by: string;
      readonly reason?: string;
    };

export type LetterStateName = LetterState["kind"];
export const letterStates = ["waiting", "sent", "discarded"] as const;

export const waiting: LetterState = { kind: "waiting" };

/** Bytes of a letter beside its event: reason, indexes, book-keeping. */
const bytesOfLetter = 600;

export function firstLetter(letter: DeadLetter, offset: number): Omit<StoredDeadLetter, "kind"> {
  return {
    ...letter,
    offset,
    lastOffset: offset,
    lastAt: letter.at,
    count: 1,
    state: waiting,
    bytes: bytesOfLetter + JSON.stringify(letter.event).length,
  };
}

/**
 * The same event again: the reason is that of now, since the plan may be another one; the event and its time are
 * those of the first time, which are nearer to what happened.
 */
export function rejectedAgain(
  known: StoredDeadLetter,
  letter: DeadLetter,
  offset: number,
): Omit<StoredDeadLetter, "kind"> {
  const { path: _path, schema: _schema, ...rest } = known;
  const { code, message, path, schema } = letter;
  return {
    ...rest,
    ...{ code, message },
    ...(path === undefined ? {} : { path }),
    ...(schema === undefined ? {} : { schema }),
    lastOffset: offset,
    lastAt: letter.at,
    count: known.count + 1,
  };
}

/**
 * Letters with the same text are one: a client that sends again sends the same event under the same id. Without an id
 * of its own an event has one made of its content, or, where nothing tells two actions apart from a retry, a random
 * one. What is no event at all has nothing to it but its content.
 */
export function samenessOf({ source, id, code, event, form }: DeadLetter): string {
  const content = JSON.stringify(
    form?.shape === "accepted" && isObject(event) ? contentOf(event) : withoutAttempt(event),
  );
  return hashHex(JSON.stringify([source, code === "eventNotObject" ? "" : id, content]));
}

/** What the plan's function was given; the rest of an accepted event may differ from one attempt to the next. */
function contentOf({ type, name, userId, anonymousId, properties, traits }: JsonObject): Json {
  return [type, name, userId, anonymousId, properties, traits].map((value) => value ?? null);
}

/** A retry has a new `sentAt` and retry count, and may carry its key elsewhere. */
function withoutAttempt(event: Json): Json {
  if (!isObject(event)) return event;
  const { sentAt: _sent, writeKey: _key, _metadata: _meta, ...own } = event;
  return own;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A letter of a folder that was written before letters had states. */
export function upgraded(letter: DeadLetter & { readonly offset: number }) {
  const { kind: _kind, ...known } = letter as Partial<StoredDeadLetter> & typeof letter;
  return { ...firstLetter(letter, letter.offset), ...known };
}
