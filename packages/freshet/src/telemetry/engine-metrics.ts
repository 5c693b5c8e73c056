import { Counter, Gauge, type Registry } from "prom-client";
import type { Counters, Ledger } from "../engine/counters.ts";

/** The engine at one moment. */
export interface EngineReading {
  readonly ledger: Ledger;
  readonly counters: Readonly<Counters>;
  readonly status: EngineStatus;
  readonly outboxWaiting: ReadonlyMap<string, number>;
  readonly deadLetters: number;
}

export interface EngineStatus {
  readonly nextOffset: number;
  readonly firstOffset: number;
  readonly reducedOffset: number;
  readonly checkpointOffset: number;
  readonly logBytes: number;
  readonly liveKeys: number;
  readonly dirtyKeys: number;
  readonly deduplicationIds: number;
  readonly deduplicationBytes: number;
  readonly deduplicationWindowMs: number;
  readonly checkpoints: number;
  readonly lastCheckpointMs: number;
  readonly queuedRecords: number;
}

interface Row {
  readonly name: string;
  readonly help: string;
  read(reading: EngineReading): number;
}

const row = (name: string, help: string, read: Row["read"]): Row => ({ name, help, read });

/** The first four and the gauge of events in flight are the ledger: received is the sum of the others. */
const counterRows: readonly Row[] = [
  row("events_received_total", "Events taken, refused ones too", (r) => r.ledger.received),
  row("events_applied_total", "Events applied to profiles", (r) => r.ledger.applied),
  row("events_duplicate_total", "Events dropped as duplicates", (r) => r.ledger.duplicate),
  row("events_rejected_total", "Events kept as dead letters", (r) => r.ledger.rejected),
  row(
    "events_filtered_total",
    "Among the applied: kept out by the plan",
    (r) => r.counters.filtered,
  ),
  row("events_failed_total", "Among the rejected: a plan function threw", (r) => r.counters.failed),
  row("self_records_applied_total", "Records from key to key", (r) => r.counters.selfApplied),
  row("self_records_dropped_total", "The same, seen before", (r) => r.counters.selfDropped),
  row("timers_fired_total", "Timers fired", (r) => r.counters.timersFired),
  row("effects_sent_total", "Effects to destinations", (r) => r.counters.effectsSent),
  row("effects_pushed_total", "Effects to open pages", (r) => r.counters.effectsPushed),
  row("segments_entered_total", "Entries into segments", (r) => r.counters.segmentsEntered),
  row("segments_left_total", "Exits from segments", (r) => r.counters.segmentsLeft),
  row("checkpoints_total", "Checkpoints of this process", (r) => r.status.checkpoints),
];

const gaugeRows: readonly Row[] = [
  row("events_in_flight", "Events on disk that are not reduced yet", (r) => r.ledger.inFlight),
  row("records_queued", "Records of all kinds not reduced yet", (r) => r.status.queuedRecords),
  row("log_bytes", "Bytes of the log", (r) => r.status.logBytes),
  row("log_first_offset", "Oldest offset kept", (r) => r.status.firstOffset),
  row("log_next_offset", "Offset of the next record", (r) => r.status.nextOffset),
  row("reduced_offset", "Everything before it is in live state", (r) => r.status.reducedOffset),
  row(
    "checkpoint_offset",
    "Everything before it is in a checkpoint",
    (r) => r.status.checkpointOffset,
  ),
  row(
    "checkpoint_seconds",
    "How long the last checkpoint took",
    (r) => r.status.lastCheckpointMs / 1000,
  ),
  row("live_keys", "Keys held in memory", (r) => r.status.liveKeys),
  row("dirty_keys", "Keys changed since the last checkpoint", (r) => r.status.dirtyKeys),
  row("deduplication_ids", "Message ids in the window", (r) => r.status.deduplicationIds),
  row("deduplication_bytes", "Bytes that they take", (r) => r.status.deduplicationBytes),
  row(
    "deduplication_window_seconds",
    "Reach of exact deduplication",
    (r) => r.status.deduplicationWindowMs / 1000,
  ),
  row("dead_letters", "Dead letters kept", (r) => r.deadLetters),
];

/** Registers the engine's figures; the function it returns sets all of them from one reading. */
export function createEngineMetrics(registry: Registry): (reading: EngineReading) => void {
  const registers = [registry];
  const counters = counterRows.map(({ name, help, read }) => {
    const counter = new Counter({ name: `freshet_${name}`, help, registers });
    // The counts live in the engine and in its checkpoints; a counter of this library only adds.
    return (reading: EngineReading) => {
      counter.reset();
      counter.inc(read(reading));
    };
  });
  const gauges = gaugeRows.map(({ name, help, read }) => {
    const gauge = new Gauge({ name: `freshet_${name}`, help, registers });
    return (reading: EngineReading) => gauge.set(read(reading));
  });
  const outbox = new Gauge({
    name: "freshet_outbox_waiting",
    help: "Effects that wait for their destination",
    labelNames: ["destination"],
    registers,
  });
  return (reading) => {
    for (const set of counters) set(reading);
    for (const set of gauges) set(reading);
    outbox.reset();
    for (const [destination, waiting] of reading.outboxWaiting)
      outbox.set({ destination }, waiting);
  };
}
