import type { KeptSchema } from "../../adapters/log/payload/schema-row.ts";
import type { RegistryErrorName } from "../../core/registry/index.ts";
import type { ResolvedReference, SchemaContent } from "../../core/registry/schema.ts";
import type { TableVersion } from "../../engine/table.ts";
import type { CollectorReading } from "../../server/options.ts";
import type { PlaceOptions } from "../settings.ts";

/** With what a collector's thread begins. */
export interface CollectorStart {
  /** Where it reads the configuration again: functions in it cannot be sent. */
  readonly place: PlaceOptions;
  /** Events on disk that are not reduced yet, as one number that both threads see. */
  readonly inFlight: SharedArrayBuffer;
}

/** What there is to know before the first event. */
export interface CollectorOpening {
  readonly writeKey: string;
  readonly socketPath: string;
  readonly logId: string;
  readonly partitions: number;
  readonly state: CollectorState;
  /** How events are written; null for JSON. */
  readonly eventsAs: KeptSchema | null;
}

export interface CollectorState {
  /** Hash of the plan by which events are accepted; its code is in the data folder. */
  readonly plan: string;
  readonly tables: ReadonlyMap<string, TableVersion>;
}

export type ToCollector =
  | { readonly kind: "open"; readonly opening: CollectorOpening }
  /** Answered by `done`. */
  | { readonly kind: "state"; readonly id: number; readonly state: CollectorState }
  /** For the records of appends from now on. */
  | { readonly kind: "eventsAs"; readonly schema: KeptSchema | null }
  | { readonly kind: "schema"; readonly id: number; readonly answer: SchemaAnswer }
  | { readonly kind: "reading"; readonly id: number }
  | { readonly kind: "close" }
  /** The append with this id is on disk, its first record at this offset. */
  | { readonly kind: "appended"; readonly id: number; readonly firstOffset: number }
  | { readonly kind: "refused"; readonly id: number; readonly problem: Problem };

export type FromCollector =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "failed"; readonly problem: Problem }
  /** Records in the form of the log; none of them where somebody asks for the latest receipt. */
  | { readonly kind: "append"; readonly id: number; readonly records: Uint8Array }
  | { readonly kind: "done"; readonly id: number; readonly problem?: Problem }
  | { readonly kind: "reading"; readonly id: number; readonly reading: CollectorReading }
  /** What the registry has under an id. */
  | { readonly kind: "schema"; readonly id: number; readonly schemaId: number }
  | { readonly kind: "closed" };

export type SchemaAnswer =
  | { readonly content: SchemaContent; readonly references: readonly ResolvedReference[] }
  | { readonly refused: { readonly kind: RegistryErrorName; readonly message: string } }
  | { readonly unavailable: Problem };

/** An error on its way between threads. */
export interface Problem {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code?: string | undefined;
}

export function problemOf(error: unknown): Problem {
  const { message, hint, code } = error as Error & { hint?: string; code?: string };
  return { message: message ?? String(error), hint, code };
}
