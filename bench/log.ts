/**
 * The log's formats beside each other: bytes of an event, its record's head included, and what writing and reading it
 * costs one thread. Alone: `node bench/log.ts`.
 */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { accept } from "../packages/freshet/src/accept/index.ts";
import { BatchEncoder } from "../packages/freshet/src/adapters/log/encoder.ts";
import { decodeBatch } from "../packages/freshet/src/adapters/log/format.ts";
import {
  type CompactFormat,
  compactFormats,
  eventCodec,
} from "../packages/freshet/src/adapters/log/payload/codec.ts";
import { layoutOf } from "../packages/freshet/src/adapters/log/payload/event-layout.ts";
import type { EventSchema } from "../packages/freshet/src/adapters/log/payload/event-payload.ts";
import { settingsOf } from "../packages/freshet/src/app/config.ts";
import { createSources } from "../packages/freshet/src/app/edge.ts";
import { loadPlan } from "../packages/freshet/src/app/load.ts";
import { readTable } from "../packages/freshet/src/app/tables.ts";
import { type CompiledPlan, compilePlan } from "../packages/freshet/src/core/plan/compile.ts";
import type { LogRecord } from "../packages/freshet/src/core/record.ts";
import { createAcceptState } from "../packages/freshet/src/server/accept-state.ts";
import { median } from "./load.ts";
import { writeKey } from "./server.ts";
import { batchEvents, makeEvent, randomOf, root } from "./shape.ts";

export interface LogSpeed {
  /** What the shop's pages send, small; and what a browser sends with Segment's client, whole. */
  readonly shop: readonly FormatSpeed[];
  readonly browser: readonly FormatSpeed[];
}

export interface FormatSpeed {
  readonly format: "json" | CompactFormat;
  readonly bytes: number;
  /** Of a batch of 50 events, through gzip: for comparison, the log is not compressed. */
  readonly gzipBytes: number;
  readonly encodeNs: number;
  readonly decodeNs: number;
}

const batches = 60;
const rounds = 25;
const place = { firstOffset: 0, countedBefore: 0, bytesBefore: 0 };

export async function measureLog(): Promise<LogSpeed> {
  const planFile = join(root, "examples", "shop", "plan.ts");
  const { plan } = await loadPlan(planFile, mkdtempSync(join(tmpdir(), "freshet-bench-")));
  const accepting = acceptor(compilePlan(plan), planFile);
  const schemas = compactFormats.map((format, id): EventSchema => {
    return { id, codec: eventCodec(format, layoutOf(plan.definition)) };
  });
  const random = randomOf(7);
  let count = 0;
  const makeShop = () => withId(makeEvent(random), count++);
  const makeBrowser = () => withId(browserEvent(count, makeEvent(random)), count++);
  return {
    shop: measureFormats(recordsOf(accepting, makeShop), schemas),
    browser: measureFormats(recordsOf(accepting, makeBrowser), schemas),
  };
}

type Accept = (events: readonly object[]) => readonly LogRecord[];

/** As the server takes a batch of the default source, look-ups and all. */
function acceptor(compiled: CompiledPlan, planFile: string): Accept {
  const tables = new Map(
    compiled.plan.definition.tables.map((table) => [
      table.name,
      { version: 1, rows: readTable(table, dirname(planFile)) },
    ]),
  );
  const settings = settingsOf({ plan: planFile }, root, {});
  const state = createAcceptState({
    plan: () => compiled,
    tables: () => tables,
    partitions: () => 8,
    sources: createSources(settings, writeKey, undefined),
    clock: { now: () => Date.now(), after: () => () => {}, yield: async () => {} },
    randomId: () => "none",
  });
  return (events) => {
    const body = Buffer.from(JSON.stringify({ writeKey, batch: events }));
    const request = { shape: "segment-batch", headers: {}, query: {}, ip: "203.0.113.7", body };
    return accept(request as Parameters<typeof accept>[0], state.context()).records;
  };
}

const sent = JSON.parse(
  readFileSync(join(root, "bench", "browser-events.json"), "utf8"),
) as readonly { readonly type: string; readonly properties?: object }[];

/** What Segment's client sent from a page in Chromium; events of the shop's names have the shop's properties. */
function browserEvent(count: number, shop: object): object {
  const own = sent[count % sent.length];
  const { event: name, properties } = shop as {
    readonly event?: string;
    readonly properties: object;
  };
  return own?.type !== "track" || name === undefined
    ? { ...sent[0] }
    : { ...own, event: name, properties };
}

function withId(event: object, number: number): object {
  const id = `ajs-next-1795255849381-2be7725a-ca78-43c7-997d-${String(number).padStart(12, "0")}`;
  return { ...event, messageId: id };
}

function recordsOf(acceptBatch: Accept, make: () => object): LogRecord[][] {
  return Array.from({ length: batches }, () => {
    const records = acceptBatch(Array.from({ length: batchEvents }, make));
    const wrong = records.find(({ kind }) => kind !== "event");
    if (wrong !== undefined) throw new Error(`refused: ${JSON.stringify(wrong)}`);
    return [...records];
  });
}

/** The formats in turns, so that a machine that is busy for a while is so for all of them. */
function measureFormats(
  all: readonly (readonly LogRecord[])[],
  schemas: readonly EventSchema[],
): readonly FormatSpeed[] {
  const runs = [undefined, ...schemas].map((schema) => new FormatRun(all, schema));
  for (let round = 0; round < rounds; round++) for (const run of runs) run.round();
  return runs.map((run) => run.speed());
}

class FormatRun {
  readonly #batches: readonly (readonly LogRecord[])[];
  readonly #schema: EventSchema | undefined;
  readonly #encoder = new BatchEncoder();
  readonly #encoded: readonly Buffer[];
  readonly #encodeNs: number[] = [];
  readonly #decodeNs: number[] = [];

  constructor(all: readonly (readonly LogRecord[])[], schema: EventSchema | undefined) {
    this.#batches = all;
    this.#schema = schema;
    this.#encoded = all.map((records) => {
      this.#encode(records);
      return Buffer.from(this.#encoder.seal(place));
    });
  }

  #encode(records: readonly LogRecord[]): void {
    this.#encoder.reset();
    this.#encoder.add(records, this.#schema);
  }

  round(): void {
    this.#encodeNs.push(nanoseconds(this.#batches, (records) => this.#encode(records)));
    const find = () => this.#schema;
    this.#decodeNs.push(nanoseconds(this.#encoded, (bytes) => decodeBatch(bytes, 0, find)));
  }

  speed(): FormatSpeed {
    const events = batches * batchEvents;
    const sum = (list: readonly Buffer[]) => list.reduce((bytes, { length }) => bytes + length, 0);
    return {
      format: this.#schema?.codec.format ?? "json",
      bytes: sum(this.#encoded) / events,
      gzipBytes: sum(this.#encoded.map((batch) => gzipSync(batch))) / events,
      encodeNs: median(this.#encodeNs),
      decodeNs: median(this.#decodeNs),
    };
  }
}

/** Of this process's time, for one event: what others take of the machine does not count. */
function nanoseconds<Item>(items: readonly Item[], run: (item: Item) => unknown): number {
  const before = process.cpuUsage();
  for (const item of items) run(item);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / (items.length * batchEvents);
}

/** A table of the results. */
export function logTable({ shop, browser }: LogSpeed): string {
  const rows = (what: string, list: readonly FormatSpeed[]) => {
    const [json] = list;
    return list.map((one) => {
      const share = (of: keyof Omit<FormatSpeed, "format">) =>
        `${Math.round(one[of])} (${(one[of] / (json?.[of] ?? 1)).toFixed(2)})`;
      return `| ${what}, ${one.format} | ${share("bytes")} | ${share("encodeNs")} | ${share("decodeNs")} | ${share("gzipBytes")} |`;
    });
  };
  return [
    "| events on the log | bytes | writing, ns | reading, ns | bytes in a batch through gzip |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows("shop", shop),
    ...rows("browser", browser),
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.stdout.write(`${logTable(await measureLog())}\n`);
