import { readJson } from "@freshet/protocol";
import { type Counters, emptyCounters } from "./counters.ts";
import type { LetterTotals } from "./dead-letters.ts";
import type { SliceStart } from "./dedup.ts";
import type { ManifestEntry } from "./manifest.ts";
import type { EngineOptions } from "./options.ts";
import type { TextCodec } from "./outbox.ts";
import { Partition, type PartitionSnapshot } from "./partition.ts";
import type { Log } from "./port/log.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import type { TableVersion } from "./table.ts";

/** The part of a checkpoint that is about the whole engine. */
export interface Position extends LetterTotals {
  /** Everything before this offset is in the checkpoint. */
  readonly position: number;
  readonly logId: string;
  readonly counters: Counters;
  readonly partitions: readonly PartitionSnapshot[];
  readonly outboxSequence: number;
  readonly dedupSlices: readonly SliceStart[];
  readonly dedupStart: number;
  /** How often the window had to give up a slice for room. */
  readonly dedupShrunk: number;
}

export interface Meta extends Position {
  readonly manifest: ManifestEntry[];
  readonly tables: Map<string, TableVersion>;
}

const positionKey = "position";
const manifestKey = "manifest";
const tablePrefix = "table/";

/** What the last checkpoint says, or the beginning of a new folder. */
export function readMeta(
  options: Pick<EngineOptions, "store" | "text" | "limits"> & {
    readonly log: Pick<Log, "id" | "first">;
  },
): Meta {
  const { store, text, log } = options;
  const position = metaOf<Position>(store, text, positionKey);
  const tables = new Map<string, TableVersion>();
  for (const [key, value] of store.scan("meta", { from: tablePrefix, to: `${tablePrefix}~` }))
    tables.set(key.slice(tablePrefix.length), readJson(text.decode(value)) as TableVersion);
  const manifest = metaOf<ManifestEntry[]>(store, text, manifestKey) ?? [];
  if (position === null)
    return { ...beginning(options.limits.partitions, log.id), manifest, tables };
  if (position.logId !== log.id)
    throw new Error(
      `the state belongs to log ${position.logId}, but the log is ${log.id}: log and state are of different folders`,
    );
  if (position.position < log.first)
    throw new Error(
      `the checkpoint is at offset ${position.position}, but the log begins at ${log.first}: records between were lost`,
    );
  // A checkpoint of an earlier version may lack counters that came later.
  const counters = { ...emptyCounters(), ...position.counters };
  return { ...position, counters, manifest, tables };
}

function beginning(partitions: number, logId: string): Position {
  return {
    position: 0,
    logId,
    counters: emptyCounters(),
    partitions: Array.from({ length: partitions }, (_, index) => new Partition(index).snapshot()),
    outboxSequence: 0,
    ...{ deadLetters: 0, deadLetterBytes: 0, deadLettersDropped: 0 },
    dedupSlices: [],
    dedupStart: 0,
    dedupShrunk: 0,
  };
}

function metaOf<T>(store: StateStore, text: TextCodec, key: string): T | null {
  const bytes = store.get("meta", key);
  return bytes === undefined ? null : (readJson(text.decode(bytes)) as T);
}

export interface MetaUpdate {
  readonly position: Position;
  /** Only when it changed since the last checkpoint. */
  readonly manifest: readonly ManifestEntry[] | null;
  readonly tables: readonly (readonly [name: string, table: TableVersion])[];
}

export function metaChanges(update: MetaUpdate, text: TextCodec): StateChange[] {
  const put = (key: string, value: unknown): StateChange => ({
    table: "meta",
    key,
    value: text.encode(JSON.stringify(value)),
  });
  return [
    put(positionKey, update.position),
    ...(update.manifest === null ? [] : [put(manifestKey, update.manifest)]),
    ...update.tables.map(([name, table]) => put(`${tablePrefix}${name}`, table)),
  ];
}
