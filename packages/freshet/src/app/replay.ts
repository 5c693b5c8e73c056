import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemClock } from "../adapters/clock/system.ts";
import { msgpackCodec } from "../adapters/codec/msgpack.ts";
import { openLmdbState } from "../adapters/state/lmdb.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { Counters } from "../engine/counters.ts";
import { nextEntry } from "../engine/manifest.ts";
import { engineLimits } from "../engine/options.ts";
import type { StateStore } from "../engine/port/state-store.ts";
import { type PlanInForce, Replayer } from "../engine/replay.ts";
import { applyReplay, type HeldFolder, holdFolder } from "./replay-apply.ts";
import {
  type Comparison,
  compareWithLive,
  type MembershipChange,
  membershipChanges,
  type Summary,
  summarize,
} from "./replay-compare.ts";
import {
  newReplayFolder,
  offsetAt,
  openForReading,
  plansOf,
  type ReadFolder,
  readingOf,
} from "./replay-open.ts";
import { UsageError } from "./usage-error.ts";

export interface ReplayFolderOptions {
  readonly data: string;
  /** The plan to replay into; the plans as they were unless given. */
  readonly plan?: CompiledPlan;
  /** Offset or moment to begin at, with empty profiles; the log's beginning unless said. */
  readonly from?: string;
  /** Offset or moment to end before; the end of the log as it is now unless said. */
  readonly to?: string;
  /** Keeps the replayed state in this folder. */
  readonly into?: string;
  /** Makes the replayed state the folder's own. */
  readonly apply?: boolean;
  readonly onProgress?: (moment: ReplayMoment) => void;
  readonly signal?: AbortSignal;
}

export interface ReplayMoment {
  readonly records: number;
  readonly recordsTotal: number;
  readonly elapsedMs: number;
}

export interface ReplayReport extends Summary {
  readonly mode: "asWas" | "anew";
  readonly from: number;
  readonly to: number;
  readonly records: number;
  readonly elapsedMs: number;
  readonly counters: Readonly<Counters>;
  /** What would have been sent and pushed, by rule. */
  readonly effects: { readonly send: Counts; readonly push: Counts };
  /** Plans as they were: live against replayed, or why they cannot be compared. */
  readonly comparison: Comparison | string;
  /** Another plan: who would enter and leave. */
  readonly changes: readonly MembershipChange[];
  readonly warnings: readonly string[];
  /** Where the replayed state is, if it was kept. */
  readonly kept: string | null;
  readonly applied: boolean;
}

export interface Counts {
  readonly [rule: string]: number;
}

/** Reduces the log of a data folder again, beside whoever has it open. Nothing is dispatched. */
export async function replayFolder(options: ReplayFolderOptions): Promise<ReplayReport> {
  const looked = openForReading(options.data);
  const { plans, warnings, current } = await prepare(options, looked).finally(() => looked.close());
  const held = options.apply === true ? await holdFolder(options.data, current.plan) : null;
  const reading = held === null ? openForReading(options.data) : readingOf(held);
  try {
    return await new Run(options, { reading, plans, warnings, current, held }).all();
  } finally {
    await reading.close();
  }
}

async function prepare(options: ReplayFolderOptions, reading: ReadFolder) {
  const { manifest } = reading.meta();
  if (manifest.length === 0)
    throw new UsageError(
      `"${options.data}" has no checkpoint yet`,
      "start a server on it, or import into it, first",
      1,
    );
  checkApply(options, reading);
  const { plans, warnings } = await plansOf(options.data, manifest);
  if (options.plan !== undefined) warnings.push(...newJoins(options.plan, plans));
  const current = plans.at(-1);
  if (current === undefined) throw new Error("a manifest with entries has a last plan");
  return { plans, warnings, current };
}

/** Columns were looked up when events were accepted: a join that is new finds nothing in those before it. */
function newJoins(plan: CompiledPlan, plans: readonly PlanInForce[]): string[] {
  const known = new Set(
    plans.flatMap(({ entry }) =>
      entry.definition.joins.flatMap(({ table, events }) =>
        events.map((event) => `${table} ${event}`),
      ),
    ),
  );
  return plan.plan.definition.joins.flatMap(({ table, events }) =>
    events
      .filter((event) => !known.has(`${table} ${event}`))
      .map((event) => `no event "${event}" of the log has columns of table "${table}"`),
  );
}

function checkApply(
  { apply, from, to, into, data }: ReplayFolderOptions,
  { log }: ReadFolder,
): void {
  if (apply !== true) return;
  if (from !== undefined || to !== undefined || into !== undefined)
    throw new UsageError(
      "--apply replays the whole log into the folder itself",
      "leave out --from, --to and --into",
    );
  if (log.first > 0)
    throw new UsageError(
      `the log of "${data}" begins at offset ${log.first}: what was before it would be lost from every profile`,
      "replay without --apply to look; new features begin to count when their plan is started",
      1,
    );
}

interface Parts {
  readonly reading: ReadFolder;
  readonly plans: readonly PlanInForce[];
  readonly warnings: readonly string[];
  readonly current: PlanInForce;
  readonly held: HeldFolder | null;
}

/** Keys held in memory: a replay has the machine's memory to itself more than a server has. */
const liveKeysMax = 200_000;

class Run {
  readonly #options: ReplayFolderOptions;
  readonly #parts: Parts;
  readonly #began = performance.now();
  readonly #effects = { send: new Map<string, number>(), push: new Map<string, number>() };

  constructor(options: ReplayFolderOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  async all(): Promise<ReplayReport> {
    const { data, into } = this.#options;
    const folder = into === undefined ? newReplayFolder(data) : resolve(into);
    const own = await openLmdbState({ folder: join(folder, "state") });
    let isKept = into !== undefined;
    try {
      const report = await this.#replay(folder, own);
      isKept = report.kept !== null;
      return report;
    } finally {
      await own.close();
      if (!isKept) rmSync(folder, { recursive: true, force: true });
    }
  }

  async #replay(folder: string, own: StateStore): Promise<ReplayReport> {
    const { reading, held, warnings } = this.#parts;
    if (own.count("state") > 0)
      throw new UsageError(`"${folder}" has a state already`, "name an empty folder with --into");
    const { log } = reading;
    const { from, to, plan, into, apply } = this.#options;
    const begin = from === undefined ? log.first : offsetAt(log, from, "--from");
    const end = to === undefined ? reading.meta().position : offsetAt(log, to, "--to");
    const replayer = this.#replayer(own, begin);
    const isWhole = await replayer.run(end, {
      onProgress: () => this.#tell(replayer, end - begin),
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
    });
    if (!isWhole)
      throw new UsageError("the replay was interrupted", "nothing was changed; run it again", 1);
    replayer.settle();
    await replayer.flush();
    const comparison =
      plan === undefined ? await this.#compare(replayer, own) : "another plan was replayed";
    const changes = plan === undefined ? [] : this.#changes(replayer, own);
    if (held !== null) {
      // Behind the checkpoint of a folder at rest are records of the system itself.
      await replayer.run(held.log.next);
      replayer.settle();
      await replayer.flush();
    }
    const report: ReplayReport = {
      mode: plan === undefined ? "asWas" : "anew",
      from: begin,
      to: replayer.position,
      records: replayer.records,
      elapsedMs: performance.now() - this.#began,
      counters: { ...replayer.counters },
      ...summarize(replayer, own),
      effects: {
        send: Object.fromEntries(this.#effects.send),
        push: Object.fromEntries(this.#effects.push),
      },
      comparison,
      changes,
      warnings,
      kept: into !== undefined || apply === true ? folder : null,
      applied: apply === true,
    };
    if (held !== null)
      await applyReplay({
        data: this.#options.data,
        held,
        replayer,
        own,
        folder,
        ...(plan === undefined ? {} : { plan }),
      });
    return report;
  }

  #replayer(own: StateStore, from: number): Replayer {
    const { reading, plans, current } = this.#parts;
    const { plan } = this.#options;
    const manifest = plans.map(({ entry }) => entry);
    const anew: PlanInForce | null =
      plan === undefined
        ? null
        : { plan, entry: nextEntry(manifest, plan, { fromOffset: 0, at: current.entry.at }) };
    const count = (of: Map<string, number>, rule: string) => of.set(rule, (of.get(rule) ?? 0) + 1);
    return new Replayer({
      log: reading.log,
      store: own,
      codec: msgpackCodec(),
      clock: systemClock(),
      limits: { ...engineLimits, liveKeysMax },
      partitions: reading.meta().partitions.length,
      mode: anew === null ? "asWas" : "anew",
      plans: anew === null ? plans : [anew],
      from,
      hear: {
        send: ({ rule }) => count(this.#effects.send, rule),
        push: ({ rule }) => count(this.#effects.push, rule),
      },
    });
  }

  #tell(replayer: Replayer, recordsTotal: number): void {
    this.#options.onProgress?.({
      records: replayer.records,
      recordsTotal,
      elapsedMs: performance.now() - this.#began,
    });
  }

  /** Follows a server that goes on until both stand at the same record. */
  async #compare(replayer: Replayer, own: StateStore): Promise<Comparison | string> {
    const { reading } = this.#parts;
    const { from, to } = this.#options;
    if (from !== undefined || to !== undefined) return "only a part of the log was replayed";
    if (reading.log.first > 0)
      return `the log begins at offset ${reading.log.first}, the profiles before it`;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const live = reading.meta();
      // What is missing is reduced in this very turn, so that the live state cannot go on meanwhile.
      const missing = live.position - replayer.position;
      if (
        missing >= 0 &&
        missing <= missingMax &&
        live.manifest.length === this.#parts.plans.length
      ) {
        replayer.advance(live.position);
        return compareWithLive(replayer, live, { live: reading.store, own });
      }
      if (live.manifest.length !== this.#parts.plans.length)
        return "another plan took over during the replay: run it again";
      if (missing < 0)
        return `the replay stands at ${replayer.position}, the checkpoint at ${live.position}`;
      await replayer.run(live.position);
      await replayer.flush();
    }
    return "the server took records faster than they were replayed";
  }

  #changes(replayer: Replayer, own: StateStore): MembershipChange[] {
    const { reading, current } = this.#parts;
    return membershipChanges(
      replayer,
      { meta: reading.meta(), plan: current.plan, store: reading.store },
      own,
    );
  }
}

const attemptsMax = 20;
/** Reduced without a pause; a few milliseconds. */
const missingMax = 5000;
