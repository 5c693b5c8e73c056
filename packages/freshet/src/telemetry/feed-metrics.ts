import { Counter, Gauge, type Registry } from "prom-client";
import type { SourceStatus } from "../engine/port/source.ts";

/** A source and what became of its messages. */
export interface FeedStatus extends SourceStatus {
  readonly name: string;
  /** Left out by the configuration; no events, and nothing to mend. */
  readonly leftOut: number;
  /** Appends that the log refused; each is made again. */
  readonly failedAppends: number;
}

interface Row {
  readonly name: string;
  readonly help: string;
  readonly read: (status: FeedStatus) => number;
}

const row = (name: string, help: string, read: Row["read"]): Row => ({ name, help, read });

/** Each with the label `feed`; counts begin with the process. */
const counterRows: readonly Row[] = [
  row("feed_messages_total", "Messages that a broker delivered", (s) => s.received),
  row("feed_acknowledged_total", "Messages on disk and acknowledged", (s) => s.acknowledged),
  row("feed_ignored_total", "Retained and empty messages", (s) => s.ignored),
  row("feed_left_out_total", "Messages that a map leaves out", (s) => s.leftOut),
  row("feed_reconnects_total", "Connections after the first one", (s) => s.reconnects),
  row("feed_failed_appends_total", "Appends that the log refused", (s) => s.failedAppends),
];

const gaugeRows: readonly Row[] = [
  row("feed_connected", "1 while the broker is connected", (s) => (s.isConnected ? 1 : 0)),
  row("feed_in_flight", "Messages that are not acknowledged yet", (s) => s.inFlight),
];

/** Registers the figures of feeds; the function it returns sets all of them from one reading. */
export function createFeedMetrics(registry: Registry): (statuses: readonly FeedStatus[]) => void {
  const settings = ({ name, help }: Row) => ({
    ...{ name: `freshet_${name}`, help, labelNames: ["feed"] as const, registers: [registry] },
  });
  const counters = counterRows.map((row) => {
    const counter = new Counter(settings(row));
    return (statuses: readonly FeedStatus[]) => {
      counter.reset();
      for (const status of statuses) counter.inc({ feed: status.name }, row.read(status));
    };
  });
  const gauges = gaugeRows.map((row) => {
    const gauge = new Gauge(settings(row));
    return (statuses: readonly FeedStatus[]) => {
      gauge.reset();
      for (const status of statuses) gauge.set({ feed: status.name }, row.read(status));
    };
  });
  return (statuses) => {
    for (const set of [...counters, ...gauges]) set(statuses);
  };
}
