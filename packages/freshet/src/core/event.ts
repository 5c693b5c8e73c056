import type { Json, JsonObject } from "@freshet/protocol";

export type EventType = "track" | "identify" | "page" | "screen" | "group" | "alias";

/**
 * An event as the log keeps it: what the client sent, corrected and enriched by accept, so that reducing
 * needs nothing from outside. Optional fields are absent, never undefined.
 */
export interface AcceptedEvent {
  /** The client's message id, or one derived at accept (DESIGN 3, rule 4). */
  readonly id: string;
  readonly type: EventType;
  /** `track`: the event's name. The others: `Page`, `Screen`, `Identify`, `Group`, `Alias`. */
  readonly name: string;
  /** Which version of its contract the properties are of; absent: 1. They are kept as they were sent. */
  readonly version?: number;
  readonly userId?: string;
  readonly anonymousId?: string;
  /** When it happened, in milliseconds since 1970, skew corrected, never after the record's `at`. */
  readonly time: number;
  /** Name of the source whose key it came with. Part of the deduplication scope. */
  readonly source: string;
  /** track, page, screen: properties. group: the group's traits, with `groupId` among them. */
  readonly properties: JsonObject;
  /** identify only: the traits of the profile. */
  readonly traits?: JsonObject;
  readonly context?: JsonObject;
  /** What accept looked up: table name -> picked columns of the row, or null where there was no row. */
  readonly joined?: { readonly [table: string]: JsonObject | null };
  /** Version of each table that was asked. */
  readonly tables?: { readonly [table: string]: number };
  /** True for imported history: builds state, fires no effect, ignores lateness (DESIGN 3, rule 11). */
  readonly imported?: true;
  /** Top-level fields of the client that have no place above. */
  readonly extra?: JsonObject;
  /** Notes of accept for the journey: "skewCorrected", "timeClamped", "idDerived", ... */
  readonly notes?: readonly string[];
  /** How it breaks its contract, where its source takes such events and marks them. */
  readonly breach?: Breach;
  /** Set where the event was refused before and comes again, corrected: its dead letter. */
  readonly corrects?: Corrects;
}

/** Says what was expected and never what came. */
export interface Breach {
  /** `<event>@<version>`. */
  readonly schema: string;
  readonly message: string;
  /** Where in the event as it came, as a JSON pointer; absent where its source must not keep what clients name. */
  readonly path?: string;
}

export interface Corrects {
  /** Offset of the letter's first record, which is the letter's id. Taken once, whatever else is the same. */
  readonly letter: number;
  /** The job that sends it, where one does. */
  readonly job?: string;
}

/** `user:<id>` or `anon:<id>`: an identifier, which names a part, a profile and the partition key. */
export type PartId = `user:${string}` | `anon:${string}`;

/** The part that an event belongs to: from the event alone, never from a look-up (DESIGN 6). */
export function partOf(event: Pick<AcceptedEvent, "userId" | "anonymousId">): PartId {
  if (event.userId !== undefined) return `user:${event.userId}`;
  if (event.anonymousId !== undefined) return `anon:${event.anonymousId}`;
  throw new Error("an accepted event has a user id or an anonymous id");
}

/** An event that was refused, kept whole so that it can be corrected and sent again. */
export interface DeadLetter {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  /** Where in the event, as a JSON pointer, when it can be said. */
  readonly path?: string;
  /** The schema that it broke, where that is why. */
  readonly schema?: string;
  readonly source: string;
  readonly at: number;
  /** The event as it came; text where it was no JSON object. */
  readonly event: Json;
  /** The event's name, where one could be read. */
  readonly name?: string;
  /** When it happened, skew corrected, in milliseconds since 1970; `at` where the event says nothing of it. */
  readonly time?: number;
  /** When its attempt was sent, by the client's clock: a corrected event's time is corrected by the same skew. */
  readonly sentAt?: number;
  /** How `event` is read when it comes again. Absent: as a client's own event, of either shape. */
  readonly form?: LetterForm;
}

export interface LetterForm {
  /** The shape of the request that it came with; `accepted` for an event that the log had taken. */
  readonly shape: string;
  /** The type that the path named. */
  readonly type?: EventType;
  /** History: fires nothing. */
  readonly imported?: true;
  /** The event is in Freshet's own form, after the rules of its source. */
  readonly own?: true;
  /** Its `data_base64` is a message with a schema id, which could not be read. */
  readonly unread?: true;
}
