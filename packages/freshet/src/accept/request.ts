import type { Json, JsonObject, Rejection } from "@freshet/protocol";
import type { Corrects, EventType } from "../core/event.ts";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import type { Contracts } from "./contract/contracts.ts";
import type { EdgeRun } from "./edge/run.ts";
import type { Joins, Tables } from "./enrich.ts";
import type { Origin } from "./frame/decode.ts";
import type { SchemaTable } from "./frame/schema.ts";
import type { Issue } from "./issue.ts";
import type { Source, Sources } from "./sources.ts";

/**
 * What the body is, by the path that it came to:
 * - `segment-batch`: `{ batch: [...] }` (also of `/v1/import`, which is analytics-ruby's name for a batch);
 * - `segment-single`: one event, its type in `CaptureRequest.type`;
 * - `native`: one native event, an array of them, or `{ batch: [...] }` where headers cannot be set (beacons);
 * - `either`: as `native`, and each event may also be a Segment event: the one that has a `type` (beacons);
 * - `cloudevent`, `cloudevent-batch`, `cloudevent-binary`: CloudEvents 1.0 in the three modes of its HTTP binding;
 * - `import-rows`: as `native`, but history: builds state and fires nothing (DESIGN 3, rule 11).
 */
export type CaptureShape =
  | "segment-batch"
  | "segment-single"
  | "native"
  | "either"
  | "cloudevent"
  | "cloudevent-batch"
  | "cloudevent-binary"
  | "import-rows";

export interface CaptureRequest {
  readonly shape: CaptureShape;
  /** `segment-single` only: the type that the path names. It wins over the body's `type`. */
  readonly type?: EventType;
  readonly headers: CaptureHeaders;
  readonly query: { readonly writeKey?: string };
  /** `native` only: what the query says of an event whose body is a message with a schema id. */
  readonly about?: JsonObject;
  /** As it came, possibly compressed. */
  readonly body: Uint8Array;
  readonly remoteAddress?: string;
  /** Set by ways in that know their source already (imports, Kafka, an open socket): no key is asked for. */
  readonly source?: Source;
}

export interface CaptureHeaders {
  readonly authorization?: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  /** `X-Retry-Count` as it came. */
  readonly retryCount?: string | undefined;
  /** Page that the request is from; only browsers send it. */
  readonly origin?: string | undefined;
  readonly userAgent?: string | undefined;
  /** `X-Freshet-Identity` as it came: a token that proves the user ids of the request. */
  readonly identityToken?: string | undefined;
  /** `cloudevent-binary` only: values of the `ce-` headers as they came, by attribute. */
  readonly cloudEvent?: ReadonlyMap<string, string> | undefined;
}

/** Everything that accept sees besides the request: with equal context, equal requests give equal records. */
export interface AcceptContext {
  /** Milliseconds since 1970, whole: the `at` of every record of this request. */
  readonly now: number;
  readonly partitions: number;
  readonly sources: Sources;
  readonly contracts: Contracts;
  readonly joins: Joins;
  readonly tables: Tables;
  /** What the schema ids of the request stand for; none unless said. */
  readonly schemas?: SchemaTable;
  /** A fresh text of at most 100 characters at each call. */
  readonly randomId: () => string;
}

/** Events that were parsed elsewhere, with what their request says about all of them. */
export interface EventsInput {
  readonly shape: CaptureShape;
  readonly type?: EventType;
  readonly events: readonly Json[];
  readonly source: Source;
  /** True when the body was one event rather than a list of them. */
  readonly single?: boolean;
  /** Merged into each event; the event wins. */
  readonly context?: Json;
  readonly integrations?: Json;
  /** When this attempt was sent, by the client's clock. */
  readonly sentAt?: Json;
  readonly remoteAddress?: string;
  readonly retryCount?: string | undefined;
  /** User agent of the request; stands for that of events which a browser made and which say none. */
  readonly userAgent?: string | undefined;
  /** Proves user ids of events that carry no token themselves. */
  readonly identityToken?: string | undefined;
  /** The sender proved otherwise who it speaks for (secret key, profile token): no identity token is asked for. */
  readonly isVouched?: boolean;
  /** False when texts are known to hold no lone surrogates, which spares a look at each. */
  readonly surrogatesPossible?: boolean;
  /** What the way in found wrong with all of them. */
  readonly issues?: readonly Issue[] | undefined;
  /** As long as `events`, where some came as messages with a schema id. */
  readonly origins?: readonly (Origin | undefined)[];
  /** Events without an id get this, a colon and their place: a way in that sends again sends the same ids. */
  readonly idBase?: string;
  /** The only event was refused before, and comes again from its dead letter. */
  readonly resent?: Resent;
}

/** What an event keeps of its first attempt when it is sent again. */
export interface Resent {
  readonly corrects: Corrects;
  /** Its message id, whatever the event says by now. */
  readonly id: string;
  /** When the first attempt came: its time is what it would have been then. */
  readonly at: number;
  /** It is in Freshet's own form: its context is what an earlier accept made of it, and is believed. */
  readonly isOwn: boolean;
  readonly isImported: boolean;
}

export interface Accepted {
  /** One for each event of the request, in its order. Append them together, all or nothing. */
  readonly records: readonly (EventRecord | DeadLetterRecord)[];
  /** Number of event records; duplicates are found later and count here. */
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
  /** Name of the source. */
  readonly source: string;
  /** True for a single native event that was rejected: the one case of readable bodies that is answered 400. */
  readonly singleRejected: boolean;
}

/** The parts of a request that hold for each of its events, worked out once. */
export interface Batch {
  readonly input: EventsInput;
  readonly context: AcceptContext;
  readonly shared: JsonObject | undefined;
  /** What is wrong with all events, and so with each. */
  readonly sharedIssues: readonly Issue[];
  readonly sentAtMs: number | undefined;
  readonly ip: string | undefined;
  /** Undefined where the source asks for nothing at the edge. */
  readonly edge: EdgeRun | undefined;
}
