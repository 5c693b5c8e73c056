import { type AcceptedEvent, type DeadLetter, partOf } from "../core/event.ts";
import { murmur2 } from "../core/hash.ts";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";

export interface Stamp {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly partitions: number;
}

export function stampEvent(event: AcceptedEvent, stamp: Stamp): EventRecord {
  const key = partOf(event);
  return { kind: "event", partition: partitionOf(key, stamp.partitions), at: stamp.at, key, event };
}

/** A refused event may have no identifier; its message id spreads dead letters just as well. */
export function stampLetter(letter: DeadLetter, stamp: Stamp): DeadLetterRecord {
  return {
    kind: "deadLetter",
    partition: partitionOf(letter.id, stamp.partitions),
    at: stamp.at,
    letter,
  };
}

/** As Kafka's default partitioner, so that other producers of the same key choose the same partition. */
function partitionOf(key: string, partitions: number): number {
  return murmur2(key) % partitions;
}
