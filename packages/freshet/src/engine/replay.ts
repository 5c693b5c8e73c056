import type { PushEffect, SegmentEffect, SendEffect } from "../core/effect.ts";
import type { Packed } from "../core/pack.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { LogRecord, SelfRecord } from "../core/record.ts";
import { step } from "../core/step.ts";
import type { Counters } from "./counters.ts";
import { DedupWindow } from "./dedup.ts";
import { type KeyState, migrateState, unpackState } from "./key-state.ts";
import { KeyedState } from "./keyed-state.ts";
import type { ManifestEntry } from "./manifest.ts";
import { chainMappings, type Mapping, mapLayout } from "./migrate.ts";
import type { EngineLimits } from "./options.ts";
import { Partition, partitionOf } from "./partition.ts";
import type { Clock } from "./port/clock.ts";
import type { StateCodec } from "./port/codec.ts";
import type { LogReader } from "./port/log.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import { Reducer, type ReducerOutput } from "./reducer.ts";
import type { TableVersion } from "./table.ts";
import { Timers } from "./timers.ts";

/** A plan and from where it holds, in the order of the log. */
export interface PlanInForce {
  readonly entry: ManifestEntry;
  readonly plan: CompiledPlan;
}

export interface ReplayOptions {
  readonly log: Pick<LogReader, "read" | "first" | "next">;
  /** Empty; gets states and timers, nothing else. */
  readonly store: StateStore;
  readonly codec: StateCodec;
  readonly clock: Clock;
  readonly limits: EngineLimits;
  readonly partitions: number;
  /**
   * - `asWas`: each record under the plan that held then, with the records that the system wrote to itself; what lies
   *   before a plan that was backfilled, anew under that one;
   * - `anew`: everything under one plan, which makes such records of its own and ignores those in the log.
   */
  readonly mode: "asWas" | "anew";
  /** At least one. `anew` uses the last. */
  readonly plans: readonly PlanInForce[];
  /** Begins here with empty profiles; the log's first offset unless said. */
  readonly from?: number;
  /** Hears what would have been done; nothing is. */
  readonly hear?: Partial<ReplayListener>;
}

export interface ReplayListener {
  send(effect: SendEffect): void;
  push(effect: PushEffect): void;
  segment(effect: SegmentEffect): void;
}

/**
 * Reduces a log beside whoever owns it, into a state store of its own. Never writes to the log, never dispatches.
 *
 * - Y1 the same records under the same plans give the same states as they gave live (P7).
 * - Y2 in `anew`, a record for another key is reduced directly behind the one that made it. Its offset lies between
 *   that of its origin and the next, so that high-water marks (R3) grow as they do live.
 * - Y3 memory holds what changed since the last flush, the deduplication window, and the live keys of the limits.
 */
export class Replayer {
  readonly #options: ReplayOptions;
  readonly #state: KeyedState;
  readonly #reducer: Reducer;
  readonly #tables = new Map<string, TableVersion>();
  readonly #plans: readonly PlanInForce[];
  /** Records before this offset are reduced anew. */
  readonly #anewUntil: number;
  #isAnew: boolean;
  #index: number;
  #own: Omit<SelfRecord, "at">[] = [];
  #mappings = new Map<number, Mapping>();
  #next: number;
  #records = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#next = options.from ?? options.log.first;
    const backfilled = options.plans.findLastIndex(({ entry }) => entry.backfilled === true);
    this.#plans = options.plans.slice(options.mode === "anew" ? -1 : Math.max(0, backfilled));
    this.#anewUntil =
      options.mode === "anew"
        ? Number.POSITIVE_INFINITY
        : (options.plans[backfilled]?.entry.fromOffset ?? 0);
    this.#isAnew = this.#next < this.#anewUntil;
    this.#index = Math.max(
      0,
      this.#plans.findLastIndex(({ entry }) => entry.fromOffset <= this.#next),
    );
    const { plan, entry } = this.#inForce;
    const { store, limits, partitions, codec } = options;
    const mappingFrom = (epoch: number) => this.#mappingFrom(epoch);
    const timers = new Timers(store, {
      partitions,
      horizonMs: limits.timerHorizonMs,
      partitionOf: (key) => partitionOf(key, partitions),
    });
    this.#state = new KeyedState({
      store,
      codec,
      epoch: entry.epoch,
      mappingFrom,
      liveMax: limits.liveKeysMax,
      horizon: () => timers.horizon,
    });
    this.#reducer = new Reducer({
      plan,
      epoch: entry.epoch,
      partitions: Array.from({ length: partitions }, (_, index) => new Partition(index)),
      state: this.#state,
      dedup: new DedupWindow({
        windowMs: limits.deduplicationMs,
        idsMax: limits.deduplicationIdsMax,
      }),
      timers,
      output: this.#output(),
      mappingFrom,
      isOfPlan: (from) => this.#isOfPlan(from),
    });
  }

  /** Everything before this offset is reduced. */
  get position(): number {
    return this.#next;
  }

  get records(): number {
    return this.#records;
  }

  get counters(): Readonly<Counters> {
    return this.#reducer.counters;
  }

  get plan(): CompiledPlan {
    return this.#reducer.plan;
  }

  get epoch(): number {
    return this.#inForce.entry.epoch;
  }

  get partitions(): readonly Partition[] {
    return this.#reducer.partitions;
  }

  get tables(): ReadonlyMap<string, TableVersion> {
    return this.#tables;
  }

  /**
   * Reduces up to `to` (excluded) or the end of the log, breathing and writing states away on the way. False where it
   * was told to stop.
   */
  async run(
    to: number,
    options: {
      readonly onProgress?: () => void;
      readonly signal?: { readonly aborted: boolean };
    } = {},
  ): Promise<boolean> {
    const end = Math.min(to, this.#options.log.next);
    while (this.#next < end) {
      if (options.signal?.aborted === true) return false;
      this.advance(Math.min(end, this.#next + recordsAtOnce));
      if (this.#state.dirtyCount >= dirtyKeysMax) await this.flush();
      options.onProgress?.();
      await this.#options.clock.yield();
    }
    return true;
  }

  /** The same without a pause: for the few records between two looks at a log that goes on. */
  advance(to: number): void {
    if (to <= this.#next) return;
    for (const { firstOffset, records } of this.#options.log.read(this.#next))
      for (let index = Math.max(0, this.#next - firstOffset); index < records.length; index++) {
        if (firstOffset + index >= to) return;
        this.#reduce(records[index] as LogRecord, firstOffset + index);
      }
  }

  /** At the end of what is reduced anew: sends what popular keys gathered, where the log has no tick that would. */
  settle(): void {
    if (!this.#isAnew) return;
    for (const { index, clock, hasGathered } of this.partitions)
      if (hasGathered)
        this.#reduceOwn({ kind: "tick", partition: index, at: clock }, this.#next - 0.5);
  }

  /** Writes what changed into the store. */
  async flush(): Promise<void> {
    const snapshot = this.#state.beginSnapshot();
    let outcome: "committed" | "failed" = "failed";
    try {
      while (this.#state.encodeSlice(slicesKeysMax)) await this.#options.clock.yield();
      await this.#options.store.commit(snapshot.changes);
      outcome = "committed";
    } finally {
      this.#state.endSnapshot(outcome);
      this.#options.codec.recycle();
    }
  }

  read(key: string): KeyState | null {
    return this.#state.read(key);
  }

  get #inForce(): PlanInForce {
    const found = this.#plans[this.#index];
    if (found === undefined) throw new Error("a replay needs a plan");
    return found;
  }

  #reduce(record: LogRecord, offset: number): void {
    if (this.#isAnew && offset >= this.#anewUntil) {
      this.settle();
      this.#isAnew = false;
    }
    const following = this.#plans[this.#index + 1];
    if (following !== undefined && following.entry.fromOffset <= offset) this.#switch(offset);
    this.#reduceOwn(record, offset);
    this.#next = offset + 1;
    this.#records++;
  }

  /** Keeps Y2. */
  #reduceOwn(record: LogRecord, offset: number): void {
    this.#reducer.reduce(record, offset);
    if (this.#own.length === 0) return;
    const queue = this.#own;
    for (let index = 0; index < queue.length; index++)
      this.#reducer.reduce(
        { ...(queue[index] as SelfRecord), at: record.at },
        offset + (index + 1) / ownRecordsMax,
      );
    this.#own = [];
  }

  #switch(offset: number): void {
    const before = this.#inForce.entry;
    this.#index++;
    const { plan, entry } = this.#inForce;
    this.#mappings.clear();
    this.#reducer.switchTo(plan, entry, mapLayout(before, entry));
    const following = this.#plans[this.#index + 1];
    if (following !== undefined && following.entry.fromOffset <= offset) this.#switch(offset);
  }

  #mappingFrom(epoch: number): Mapping {
    const known = this.#mappings.get(epoch);
    if (known !== undefined) return known;
    const mapping = mappingBetween(
      this.#plans.map(({ entry }) => entry).slice(0, this.#index + 1),
      epoch,
    );
    this.#mappings.set(epoch, mapping);
    return mapping;
  }

  #isOfPlan({ epoch, offset }: { readonly epoch: number; readonly offset: number }): boolean {
    if (this.#isAnew) return epoch === this.epoch;
    const plan = this.#plans.slice(0, this.#index + 1).find(({ entry }) => entry.epoch === epoch);
    return plan !== undefined && plan.entry.fromOffset <= offset;
  }

  #output(): ReducerOutput {
    const { hear = {} } = this.#options;
    return {
      send: (effect) => hear.send?.(effect),
      push: (effect) => hear.push?.(effect),
      segment: (effect) => hear.segment?.(effect),
      self: (record) => {
        if (this.#isAnew) this.#own.push(record);
      },
      selfApplied: () => {},
      deadLetter: () => {},
      corrected: () => {},
      letter: () => {},
      duplicate: () => {},
      accepted: () => {},
      table: ({ table, version, rows }) => this.#tables.set(table, { version, rows }),
      changed: () => {},
    };
  }
}

const recordsAtOnce = 2000;
const dirtyKeysMax = 20_000;
const slicesKeysMax = 1000;
/** Records that one record may set off; a power of two, so that the fractions are exact. */
const ownRecordsMax = 2 ** 20;

/** From the layout of an epoch into that of the last entry. */
export function mappingBetween(manifest: readonly ManifestEntry[], epoch: number): Mapping {
  const [first, ...later] = manifest.slice(
    Math.max(
      0,
      manifest.findIndex((entry) => entry.epoch === epoch),
    ),
  );
  if (first?.epoch !== epoch) throw new Error(`plan epoch ${epoch} is not in the manifest`);
  let mapping = mapLayout(first, first);
  let before = first;
  for (const entry of later) {
    mapping = chainMappings(mapping, mapLayout(before, entry));
    before = entry;
  }
  return mapping;
}

/**
 * The state of a key with every timer up to its partition's clock fired: whether that has happened already depends on
 * when the key was last in memory, and means nothing. The state is given up.
 */
export function settledState(
  plan: CompiledPlan,
  key: string,
  state: KeyState,
  partitions: readonly { readonly clock: number }[],
): KeyState {
  if (state.kind === "entity") return state;
  const clock = partitions[partitionOf(key, partitions.length)]?.clock ?? 0;
  const { state: fired } = step(plan, key, state.profile, { kind: "timer", at: clock });
  return { kind: "profile", profile: fired ?? state.profile };
}

/** Reads stored states, of whatever epoch, in the layout of the manifest's last entry. */
export function stateReader(codec: StateCodec, manifest: readonly ManifestEntry[]) {
  const mappings = new Map<number, Mapping>();
  const last = manifest[manifest.length - 1]?.epoch;
  return (key: string, value: Uint8Array): KeyState => {
    const [epoch, packed] = codec.decode(value) as readonly [number, Packed];
    const state = unpackState(key, packed);
    if (epoch === last) return state;
    const mapping = mappings.get(epoch) ?? mappingBetween(manifest, epoch);
    mappings.set(epoch, mapping);
    return migrateState(key, state, mapping);
  };
}

/** Copies whole tables in portions that a transaction may have. */
export async function copyTables(
  from: StateStore,
  to: StateStore,
  tables: readonly StateChange["table"][],
): Promise<void> {
  for (const table of tables) {
    let changes: StateChange[] = [];
    for (const [key, value] of from.scan(table, {})) {
      changes.push({ table, key, value: value.slice() });
      if (changes.length < copiedAtOnce) continue;
      await to.commit(changes);
      changes = [];
    }
    if (changes.length > 0) await to.commit(changes);
  }
}

const copiedAtOnce = 5000;
