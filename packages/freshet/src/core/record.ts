import type { JsonObject } from "@freshet/protocol";
import type { AcceptedEvent, DeadLetter } from "./event.ts";
import type { LetterAction } from "./letter.ts";

/**
 * What the log holds. `event` and `deadLetter` are counted by the ledger (received = applied + duplicate +
 * rejected + in flight); the others are records that the system writes to itself.
 */
export type LogRecord =
  | EventRecord
  | DeadLetterRecord
  | TickRecord
  | SelfRecord
  | TableRecord
  | PlanRecord
  | LetterRecord;

interface RecordHead {
  readonly partition: number;
  /** When the log took it, in milliseconds since 1970, by the machine's clock. */
  readonly at: number;
}

export interface EventRecord extends RecordHead {
  readonly kind: "event";
  /** The part id, which is the partition key. */
  readonly key: string;
  readonly event: AcceptedEvent;
}

export interface DeadLetterRecord extends RecordHead {
  readonly kind: "deadLetter";
  readonly letter: DeadLetter;
}

/** Moves the partition clock when nothing else does, and sends gathered contributions (DESIGN 3, rule 2). */
export interface TickRecord extends RecordHead {
  readonly kind: "tick";
}

/** From one key to another, through the log (DESIGN 3, rule 9). */
export interface SelfRecord extends RecordHead {
  readonly kind: "self";
  readonly key: string;
  readonly from: SelfOrigin;
  readonly body: SelfBody;
}

export interface SelfOrigin {
  readonly partition: number;
  readonly offset: number;
  readonly ordinal: number;
  /** Plan epoch: a replay into a new plan ignores records of other epochs. */
  readonly epoch: number;
  /** False where a receipt does not wait for this record (gathered contributions). */
  readonly awaited: boolean;
  /** Offset of the record that began the chain: what a receipt names. */
  readonly root: number;
}

export type SelfBody =
  /** To an anonymous key: this user owns it from now on. */
  | {
      readonly kind: "link";
      readonly owner: string;
      readonly cause: string;
      /** History links without setting anything off. */
      readonly imported: boolean;
    }
  /** To a user: the anonymous key's part moves in, state and all. An older version of itself gives way. */
  | {
      readonly kind: "part";
      readonly part: string;
      readonly version: number;
      /** A packed part (`profile.ts`), laid out by the plan of the origin's epoch. */
      readonly state: unknown;
      readonly cause: string;
      readonly imported: boolean;
    }
  /** To a user: somebody else owns the anonymous id now; forget that it was linked. */
  | { readonly kind: "released"; readonly anonymousId: string; readonly cause: string }
  /** To a user: an event that came for an anonymous id which this user owns. */
  | {
      readonly kind: "event";
      readonly part: string;
      readonly event: AcceptedEvent;
      readonly offset: number;
    }
  /** To an entity: partial states of its features, laid out by the plan of the origin's epoch. */
  | { readonly kind: "contribution"; readonly features: readonly unknown[] };

/** A new version of a reference table; in the log so that replay knows when it changed. */
export interface TableRecord extends RecordHead {
  readonly kind: "table";
  readonly table: string;
  readonly version: number;
  readonly rows: readonly JsonObject[];
}

/** Marks from which offset a plan holds; the manifest has the plan itself. */
export interface PlanRecord extends RecordHead {
  readonly kind: "plan";
  readonly planHash: string;
  readonly epoch: number;
}

/** What an operator did to dead letters, apart from sending corrected events. */
export interface LetterRecord extends RecordHead {
  readonly kind: "letter";
  readonly action: LetterAction;
}

export function isCounted(record: LogRecord): record is EventRecord | DeadLetterRecord {
  return record.kind === "event" || record.kind === "deadLetter";
}
