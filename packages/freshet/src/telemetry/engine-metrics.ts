import { Counter, Gauge, type Registry } from "prom-client";
import type { Counters, Ledger } from "../engine/counters.ts";
import type { DestinationStatus } from "../engine/dispatcher-lane.ts";

/** The engine at one moment. */
export interface EngineReading {
  readonly ledger: Ledger;
  readonly counters: Readonly<Counters>;
  readonly status: EngineStatus;
  readonly destinations: readonly DestinationStatus[];
  /** Abandoned effects that are kept, whatever process gave them up. */
  readonly effectsAbandoned: number;
  readonly deadLetters: LetterReading;
}

export interface LetterReading {
  readonly total: number;
  readonly waiting: number;
  readonly bytes: number;
  readonly dropped: number;
  /** Bounded by the engine, which puts the rest together. */
  readonly kinds: readonly {
    readonly code: string;
    readonly source: string;
    readonly name: string;
    readonly waiting: number;
  }[];
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

interface Row<Read> {
  readonly name: string;
  readonly help: string;
  readonly read: (reading: Read) => number;
}

const row = <Read>(name: string, help: string, read: Row<Read>["read"]): Row<Read> => ({
  name,
  help,
  read,
});

/** The first four and the gauge of events in flight are the ledger: received is the sum of the others. */
const counterRows: readonly Row<EngineReading>[] = [
  row("events_received_total", "Events taken, refused ones too", (r) => r.ledger.received),
  row("events_applied_total", "Events applied to profiles", (r) => r.ledger.applied),
  row("events_duplicate_total", "Events dropped as duplicates", (r) => r.ledger.duplicate),
  row("events_rejected_total", "Events kept as dead letters", (r) => r.ledger.rejected),
  row(
    "events_filtered_total",
    "Among the applied: kept out by the plan",
    (r) => r.counters.filtered,
  ),
  row(
    "events_corrected_total",
    "Among the applied: refused before, corrected and sent again",
    (r) => r.counters.corrected,
  ),
  row("dead_letters_dropped_total", "Dead letters dropped for room", (r) => r.deadLetters.dropped),
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

const gaugeRows: readonly Row<EngineReading>[] = [
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
  row("dead_letters", "Dead letters kept, in whatever state", (r) => r.deadLetters.total),
  row("dead_letters_waiting", "Those that wait to be corrected", (r) => r.deadLetters.waiting),
  row("dead_letter_bytes", "What dead letters take of their limit", (r) => r.deadLetters.bytes),
  row("effects_abandoned", "Effects given up and kept", (r) => r.effectsAbandoned),
];

/** Each with the label `destination`; counts begin with the process. */
const destinationCounterRows: readonly Row<DestinationStatus>[] = [
  row("destination_delivered_total", "Effects that the destination took", (s) => s.delivered),
  row("destination_retried_total", "Attempts that failed and are made again", (s) => s.retried),
  row("destination_abandoned_total", "Effects given up", (s) => s.abandoned),
];

const destinationGaugeRows: readonly Row<DestinationStatus>[] = [
  row("outbox_waiting", "Effects that wait for their destination", (s) => s.waiting),
  row("destination_in_flight", "Effects that are being sent", (s) => s.inFlight),
  row(
    "destination_oldest_seconds",
    "How long the oldest effect has been waiting; 0 where none is",
    (s) => (s.oldestMs ?? 0) / 1000,
  ),
  row(
    "destination_breaker",
    "0 closed: effects are sent; 1 half open: one is tried; 2 open: none is sent for a while",
    (s) => breakerLevels[s.breaker],
  ),
  row(
    "destination_active",
    "1 while effects can be sent; 0 where the destination is gone or not in the configuration",
    (s) => (s.condition === "active" ? 1 : 0),
  ),
];

/** Worse is higher, so that a maximum over time tells the worst. */
const breakerLevels = { closed: 0, halfOpen: 1, open: 2 } as const;

/** What became of events and requests of a source before the log. */
export interface EdgeReading {
  readonly source: string;
  readonly counts: Iterable<readonly [outcome: string, count: number]>;
}

export function createEdgeMetrics(registry: Registry): (edges: readonly EdgeReading[]) => void {
  const counter = new Counter({
    name: "freshet_edge_total",
    help: "Events and requests of a source by what the edge made of them: marked, refused, limited",
    labelNames: ["source", "outcome"],
    registers: [registry],
  });
  return (edges) => {
    counter.reset();
    for (const { source, counts } of edges)
      for (const [outcome, count] of counts) counter.inc({ source, outcome }, count);
  };
}

/** How many events of a source met or broke one version of one event's contract. */
export interface ContractReading {
  readonly source: string;
  readonly event: string;
  readonly version: string;
  readonly outcome: string;
  readonly count: number;
}

export function createContractMetrics(
  registry: Registry,
): (contracts: Iterable<ContractReading>) => void {
  const counter = new Counter({
    name: "freshet_contracts_total",
    help: "Events by what their contract made of them: met, marked, unknown, deadLetter, refused; duplicates count",
    labelNames: ["source", "event", "version", "outcome"],
    registers: [registry],
  });
  return (contracts) => {
    counter.reset();
    for (const { count, source, event, version, outcome } of contracts)
      counter.inc({ source, event, version, outcome }, count);
  };
}

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
  const destinations = createDestinationMetrics(registry);
  const letterKinds = createLetterMetrics(registry);
  return (reading) => {
    for (const set of counters) set(reading);
    for (const set of gauges) set(reading);
    destinations(reading.destinations);
    letterKinds(reading.deadLetters);
  };
}

function createLetterMetrics(registry: Registry): (reading: LetterReading) => void {
  const gauge = new Gauge({
    name: "freshet_dead_letters_waiting_by_kind",
    help: "Dead letters that wait, by reason, source and name of the event",
    labelNames: ["code", "source", "event"],
    registers: [registry],
  });
  return ({ kinds }) => {
    gauge.reset();
    for (const { code, source, name, waiting } of kinds)
      if (waiting > 0) gauge.set({ code, source, event: name }, waiting);
  };
}

function createDestinationMetrics(
  registry: Registry,
): (statuses: readonly DestinationStatus[]) => void {
  const settings = ({ name, help }: Row<DestinationStatus>) => ({
    ...{ name: `freshet_${name}`, help },
    labelNames: ["destination"] as const,
    registers: [registry],
  });
  const counters = destinationCounterRows.map((row) => {
    const counter = new Counter(settings(row));
    return (statuses: readonly DestinationStatus[]) => {
      counter.reset();
      for (const status of statuses)
        counter.inc({ destination: status.destination }, row.read(status));
    };
  });
  const gauges = destinationGaugeRows.map((row) => {
    const gauge = new Gauge(settings(row));
    return (statuses: readonly DestinationStatus[]) => {
      gauge.reset();
      for (const status of statuses)
        gauge.set({ destination: status.destination }, row.read(status));
    };
  });
  return (statuses) => {
    for (const set of [...counters, ...gauges]) set(statuses);
  };
}
