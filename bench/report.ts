import type { Ceiling } from "./ceiling.ts";
import { type FramedSpeed, framedMarkdown } from "./framed.ts";
import type { ImportSpeed } from "./import.ts";
import { type LogSpeed, logTable } from "./log.ts";
import { type RegistrySpeed, registryMarkdown } from "./registry.ts";
import { type SchemaSpeed, schemaMarkdown } from "./schema.ts";
import type { SdkMeasures } from "./sdk.ts";
import type { Ways } from "./ways.ts";

export interface Results {
  readonly at: string;
  readonly machine: string;
  readonly node: string;
  readonly ceiling: Ceiling;
  readonly usual: Load;
  /** With the settings for throughput, in turns with the usual ones. */
  readonly tuned: Load;
  /** A server that only writes and answers, in turns with both, under the load of the first. */
  readonly bare: Latencies & { readonly throughput: number };
  readonly history: ImportSpeed;
  readonly ways: Ways;
  readonly log: LogSpeed;
  readonly framed: FramedSpeed;
  readonly schema: SchemaSpeed;
  readonly registry: RegistrySpeed;
  readonly sdk: SdkMeasures;
}

/** At half load: medians over the rounds. */
export interface Latencies {
  /** Events per second at which they were measured. */
  readonly halfLoad: number;
  readonly ack: Percentiles;
  readonly visible: Percentiles;
  readonly decide: Percentiles;
}

/** Of one server. */
export interface Load extends Latencies {
  readonly startMs: number;
  readonly idleMb: number;
  readonly loadedMb: number;
  /** Events per second of each round, and their median. */
  readonly rounds: readonly number[];
  readonly throughput: number;
  readonly bytesPerEvent: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p99Lowest: number;
  readonly p99Highest: number;
}

const thousands = (value: number) => Math.round(value).toLocaleString("en-GB");
const ms = (value: number) => `${value.toFixed(1)} ms`;
const pair = ({ p50, p99, p99Lowest, p99Highest }: Percentiles) =>
  `${ms(p50)} | ${ms(p99)} (${p99Lowest.toFixed(1)} to ${p99Highest.toFixed(1)})`;

export function toMarkdown(results: Results): string {
  const { ceiling, usual, tuned, bare } = results;
  const share = (value: number) => `${Math.round((value / ceiling.parseAcceptStep) * 100)} %`;
  return `Measured on ${results.at} with Node ${results.node} on ${results.machine}; the load generator ran on the same
machine. Medians of ${usual.rounds.length} rounds. Trust the ratios.

| what | events/s | share of the ceiling |
| --- | ---: | ---: |
| one thread, parse | ${thousands(ceiling.parse)} | |
| one thread, parse and accept | ${thousands(ceiling.parseAccept)} | |
| **ceiling**: one thread, parse, accept and step | ${thousands(ceiling.parseAcceptStep)} | 100 % |
| durable and applied over HTTP, batches of 50 | ${thousands(usual.throughput)} | ${share(usual.throughput)} |
| the same, tuned for throughput, in turns | ${thousands(tuned.throughput)} | ${share(tuned.throughput)} |
| lowest and highest round | ${range(usual)}; tuned ${range(tuned)} | |
| the same batches to a bare server, in turns: written, synced, not looked at | ${thousands(bare.throughput)} | |

| at half load, rounds in turns | as it comes, median | p99 (range) | tuned, median | p99 | bare, median | p99 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| events/s | ${thousands(usual.halfLoad)} | | ${thousands(tuned.halfLoad)} | | ${thousands(bare.halfLoad)} | |
| acknowledged (on disk) | ${pair(usual.ack)} | ${pair(tuned.ack)} | ${pair(bare.ack)} |
| acknowledged to visible in a decision | ${pair(usual.visible)} | ${pair(tuned.visible)} | ${pair(bare.visible)} |
| decide, two placements | ${pair(usual.decide)} | ${pair(tuned.decide)} | ${pair(bare.decide)} |

| process | as it comes | tuned |
| --- | ---: | ---: |
| start to ready | ${thousands(usual.startMs)} ms | ${thousands(tuned.startMs)} ms |
| memory idle | ${usual.idleMb} MB | ${tuned.idleMb} MB |
| memory after the load | ${usual.loadedMb} MB | ${tuned.loadedMb} MB |
| log, bytes per event | ${thousands(usual.bytesPerEvent)} | ${thousands(tuned.bytesPerEvent)} |

| history | |
| --- | ---: |
| import of ${results.history.file}, ${thousands(results.history.rows)} rows | ${thousands(results.history.rowsPerSecond)} rows/s |

| ways in, durable and applied, measured in turns | events/s | beside batches over HTTP |
| --- | ---: | ---: |
${waysRows(results.ways)}
${logTable(results.log)}

${framedMarkdown(results.framed)}
${schemaMarkdown(results.schema)}
${registryMarkdown(results.registry)}
| browser SDK | |
| --- | ---: |
| core script, gzipped | ${thousands(results.sdk.gzipBytes.core)} bytes |
| whole script with automatic capture, gzipped | ${thousands(results.sdk.gzipBytes.full)} bytes |
| main thread at page load, whole script | ${ms(results.sdk.loadMs.median)} |
| main thread for one track() | ${Math.round(results.sdk.trackMicroseconds.median)} us |
`;
}

function range({ rounds }: Load): string {
  return `${thousands(Math.min(...rounds))} to ${thousands(Math.max(...rounds))}`;
}

function waysRows(ways: Ways): string {
  const rows = [
    ["HTTP, batches of 50", ways.httpBatch],
    ["WebSocket, messages of 50", ways.socketBatch],
    ["WebSocket, messages of 1", ways.socketSingle],
    ["HTTP, requests of 1", ways.httpSingle],
  ] as const;
  const row = ([name, rate]: (typeof rows)[number]) =>
    `| ${name} | ${thousands(rate)} | ${(rate / ways.httpBatch).toFixed(2)} |\n`;
  return rows.map(row).join("");
}
