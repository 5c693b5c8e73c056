import type { Json, JsonObject, Rejection } from "@freshet/protocol";
import type { EventType } from "../core/event.ts";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import type { Contracts } from "./contract.ts";
import type { Joins, Tables } from "./enrich.ts";
import type { Issue } from "./issue.ts";
import type { Source, Sources } from "./sources.ts";

/**
 * What the body is, by the path that it came to:
 * - `segment-batch`: `{ batch: [...] }` (also of `/v1/import`, which is analytics-ruby's name for a batch);
 * - `segment-single`: one event, its type in `CaptureRequest.type`;
 * - `native`: one native event, an array of them, or `{ batch: [...] }` where headers cannot be set (beacons);
 * - `import-rows`: as `native`, but history: builds state and fires nothing (DESIGN 3, rule 11).
 */
export type CaptureShape = "segment-batch" | "segment-single" | "native" | "import-rows";

export interface CaptureRequest {
  readonly shape: CaptureShape;
  /** `segment-single` only: the type that the path names. It wins over the body's `type`. */
  readonly type?: EventType;
  readonly headers: CaptureHeaders;
  readonly query: { readonly writeKey?: string };
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
  /** False when texts are known to hold no lone surrogates, which spares a look at each. */
  readonly surrogatesPossible?: boolean;
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
  /** What is wrong with `shared`, and so with each event. */
  readonly sharedIssues: readonly Issue[];
  readonly sentAtMs: number | undefined;
  readonly ip: string | undefined;
}
