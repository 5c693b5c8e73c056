import type { JourneyAnswer } from "@freshet/protocol";
import type { PushEffect, SegmentEffect, SendEffect } from "../core/effect.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { EntityState, ProfileState } from "../core/profile.ts";
import type { LogRecord, SelfRecord, TableRecord } from "../core/record.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { Counters, Ledger } from "./counters.ts";
import { DeadLetters, type LetterReader } from "./dead-letters.ts";
import { DedupWindow } from "./dedup.ts";
import { DedupJournal } from "./journal.ts";
import { journeyOf } from "./journey.ts";
import { KeyedState } from "./keyed-state.ts";
import { type ManifestEntry, nextEntry, type PlanChange, planWithoutCode } from "./manifest.ts";
import { type Meta, type MetaUpdate, readMeta } from "./meta.ts";
import { MovingParts } from "./moving-parts.ts";
import type { EngineOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Partition, partitionOf } from "./partition.ts";
import { PlanHistory } from "./plan-history.ts";
import type { AppendReceipt, CommittedBatch } from "./port/log.ts";
import { Pump } from "./pump.ts";
import { offsetOfReceipt, receiptOf } from "./receipt.ts";
import { Reducer, type ReducerOutput } from "./reducer.ts";
import { SelfSender } from "./self-sender.ts";
import { entityKey } from "./store-key.ts";
import type { TableVersion } from "./table.ts";
import { Ticker } from "./ticker.ts";
import { Timers } from "./timers.ts";
import { Visibility } from "./visibility.ts";

/**
 * The embedded engine: runs the reducer over one log and one state store, in one thread.
 *
 * - E1 records are reduced in the order of the log, after they are on disk, each exactly once a life.
 * - E2 state, timers, deduplication, outbox, dead letters, counters and position advance together (`Checkpointer`).
 * - E3 `open` reduces what the last checkpoint does not hold, with the plan it was accepted under, and sets nothing
 *   off a second time: pushes and changes are not heard again, effects keep their ids, self records their origin.
 * - E4 received = applied + duplicate + rejected + in flight at every moment between two records.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #state: KeyedState;
  readonly #reducer: Reducer;
  readonly #dedup: DedupWindow;
  readonly #journal: DedupJournal;
  readonly #visibility: Visibility;
  readonly #moving = new MovingParts();
  readonly #selfSender: SelfSender;
  readonly #checkpointer: Checkpointer;
  readonly #deadLetters: DeadLetters;
  readonly #plans: PlanHistory;
  readonly #timers: Timers;
  readonly outbox: Outbox;
  #tables = new Map<string, TableVersion>();
  #changedTables = new Set<string>();
  #switching: Promise<unknown> = Promise.resolve();
  #recovering = true;
  readonly #pump: Pump;
  readonly #ticker: Ticker;
  #nextOffset: number;

  private constructor(options: EngineOptions, meta: Meta, plan: CompiledPlan) {
    this.#options = options;
    const { store, text, limits, clock, log, listener } = options;
    const count = meta.partitions.length;
    this.#plans = new PlanHistory(meta.manifest);
    const mappingFrom = (epoch: number) => this.#plans.mappingFrom(epoch);
    this.#state = new KeyedState({
      store,
      codec: options.codec,
      epoch: this.epoch,
      mappingFrom,
      liveMax: limits.liveKeysMax,
      horizon: () => this.#timers.horizon,
      roundTrip: options.roundTripStates ?? false,
    });
    this.#dedup = new DedupWindow({
      windowMs: limits.deduplicationMs,
      idsMax: limits.deduplicationIdsMax,
    });
    this.#dedup.restoreSlices(meta.dedupSlices, meta.dedupStart, meta.dedupShrunk);
    this.#journal = new DedupJournal(store);
    this.#journal.restore(this.#dedup);
    this.#timers = new Timers(store, {
      partitions: count,
      horizonMs: limits.timerHorizonMs,
      partitionOf: (key) => partitionOf(key, count),
    });
    this.#deadLetters = new DeadLetters(store, text, meta, limits);
    this.outbox = new Outbox(store, text, meta.outboxSequence);
    this.#nextOffset = meta.position;
    this.#visibility = new Visibility(meta.position);
    this.#selfSender = new SelfSender({
      log,
      clock,
      onFailure: (message) => listener.alert("logAppendFailed", message),
    });
    this.#reducer = new Reducer({
      plan,
      epoch: this.epoch,
      partitions: meta.partitions.map((snapshot, index) => Partition.restore(index, snapshot)),
      state: this.#state,
      dedup: this.#dedup,
      timers: this.#timers,
      counters: { ...meta.counters },
      output: this.#output(),
      mappingFrom,
      isOfPlan: (from) => this.#plans.has(from),
    });
    for (const name of meta.tables.keys())
      this.#tables.set(name, meta.tables.get(name) as TableVersion);
    this.#pump = new Pump({
      clock,
      sliceRecordsMax: limits.sliceRecordsMax,
      reduce: (record, offset) => this.#reduceOne(record, offset),
      timersFired: () => this.#reducer.counters.timersFired,
      sliced: () => {
        this.#selfSender.flush();
        this.#visibility.reducedTo(this.#nextOffset);
      },
    });
    this.#ticker = new Ticker(options, {
      partitions: this.#reducer.partitions,
      timers: this.#timers,
      state: this.#state,
    });
    this.#checkpointer = new Checkpointer(
      options,
      {
        state: this.#state,
        outbox: this.outbox,
        deadLetters: this.#deadLetters,
        journal: this.#journal,
        selfSender: this.#selfSender,
        collect: () => this.#collectMeta(),
        collected: (update) => {
          for (const [name, table] of update.tables)
            if (this.#tables.get(name) === table) this.#changedTables.delete(name);
          this.#plans.saved(update.manifest);
          this.#tellShrunkWindow(meta.dedupShrunk);
        },
        dedupStart: () => this.#dedup.startOffset,
      },
      meta.position,
    );
  }

  #shrunkTold = 0;

  /** A window that gave up time for room is never silent (DESIGN 3, rule 4). */
  #tellShrunkWindow(before: number): void {
    const { shrunk } = this.#dedup;
    if (shrunk <= Math.max(before, this.#shrunkTold)) return;
    this.#shrunkTold = shrunk;
    const hours = Math.floor(this.#dedup.reachMs(this.#options.clock.now()) / 3_600_000);
    this.#options.listener.alert(
      "deduplicationWindowShrunk",
      `ids are told apart over the last ${hours} hours only: more than ${this.#options.limits.deduplicationIdsMax} were seen in the window`,
    );
  }

  /** Recovers: reduces the log from the last checkpoint on, switches to the plan given, and starts. */
  static async open(options: EngineOptions): Promise<Engine> {
    const meta = readMeta(options);
    const held = meta.manifest[meta.manifest.length - 1];
    const first = held === undefined ? null : await planOf(options, held);
    if (held === undefined)
      meta.manifest.push(nextEntry([], options.plan, { fromOffset: 0, at: options.clock.now() }));
    const engine = new Engine(options, meta, first ?? options.plan);
    engine.#recover();
    if (held !== undefined && held.hash !== options.plan.plan.hash) engine.#switch(options.plan);
    await engine.#start();
    return engine;
  }

  get plan(): CompiledPlan {
    return this.#reducer.plan;
  }

  get epoch(): number {
    return this.#plans.epoch;
  }

  get manifest(): readonly ManifestEntry[] {
    return this.#plans.entries;
  }

  get partitions(): number {
    return this.#reducer.partitions.length;
  }

  get counters(): Readonly<Counters> {
    return this.#reducer.counters;
  }

  get deadLetters(): LetterReader {
    return this.#deadLetters;
  }

  get tables(): ReadonlyMap<string, TableVersion> {
    return this.#tables;
  }

  /**
   * Writes records to the log; resolves with a receipt when they are on disk. Rejects when the log does: then
   * nothing of it was kept.
   */
  async append(records: readonly LogRecord[]): Promise<string> {
    if (records.length === 0) return this.#receipt(this.#options.log.next - 1);
    const { lastOffset } = await this.#options.log.append(records);
    return this.#receipt(lastOffset);
  }

  /** Latest receipt there is: covers everything that was appended before this call. */
  latestReceipt(): string {
    return this.#receipt(this.#options.log.next - 1);
  }

  /** The same for records that another thread encoded; it makes the receipts itself. */
  appendEncoded(records: Uint8Array): Promise<AppendReceipt> {
    return this.#options.log.appendEncoded(records);
  }

  /** What receipts of other threads are made with. */
  get logId(): string {
    return this.#options.log.id;
  }

  #receipt(offset: number): string {
    return receiptOf(this.logId, offset);
  }

  /** Offset that a receipt of this log stands for; null for a text that is none. */
  offsetOf(receipt: string): number | null {
    const offset = offsetOfReceipt(this.logId, receipt);
    return offset !== null && offset < this.#options.log.next ? offset : null;
  }

  /** True when everything up to `offset` can be read, hops included, within `waitMs`; false when not. */
  async waitFor(offset: number, waitMs: number): Promise<boolean> {
    if (offset < 0 || this.#visibility.covers(offset)) return true;
    const wait = this.#visibility.wait(offset);
    let cancelTimer = () => {};
    const late = new Promise<"late">((resolve) => {
      cancelTimer = this.#options.clock.after(waitMs, () => resolve("late"));
    });
    const outcome = await Promise.race([wait.visible, late]);
    cancelTimer();
    wait.cancel();
    return outcome !== "late";
  }

  /** State of a profile as it is now; must not be changed. Follows an anonymous id to its owner. */
  profile(profileId: string): { readonly profileId: string; readonly state: ProfileState } | null {
    const found = this.#state.read(profileId);
    const known = found?.kind === "profile" ? found.profile : null;
    if (known !== null && known.owner !== null) return this.profile(`user:${known.owner.userId}`);
    const state = this.#moving.over(profileId, known, {
      epoch: this.epoch,
      segments: this.plan.segments.length,
      mappingFrom: (epoch) => this.#plans.mappingFrom(epoch),
    });
    return state === null ? null : { profileId, state };
  }

  entity(name: string, key: string): EntityState | null {
    const found = this.#state.read(entityKey(name, key));
    return found?.kind === "entity" ? found.entity : null;
  }

  /** Moment that reads of a key hold for: never behind what was reduced. */
  asOf(key: string): number {
    const partition = this.#reducer.partitions[partitionOf(key, this.partitions)];
    return Math.max(this.#options.clock.now(), partition?.clock ?? 0);
  }

  record(offset: number): LogRecord | undefined {
    return this.#options.log.get(offset);
  }

  /** Of the log, from the one that holds `offset` on: cheaper than its records one by one. */
  batches(offset: number): Iterable<CommittedBatch> {
    return this.#options.log.read(offset);
  }

  /** Where an event is and what became of it; null when its id is not known. */
  journey(messageId: string): JourneyAnswer | null {
    return journeyOf(messageId, {
      log: this.#options.log,
      plan: this.plan,
      partitions: this.partitions,
      checkpointed: this.#checkpointer.position,
      reduced: this.#nextOffset,
      offsets: this.#dedup.offsetsOf(messageId),
      queued: this.#pump.batches,
      deadLetters: this.#deadLetters.ofMessage(messageId),
      duplicatesOf: (offset) => this.#journal.duplicatesOf(offset),
      ownerOf: (part) => this.profile(part)?.profileId ?? part,
    });
  }

  ledger(): Ledger {
    const { applied, duplicate, rejected } = this.#reducer.counters;
    return {
      received: this.#options.log.counted,
      applied,
      duplicate,
      rejected,
      inFlight: this.#pump.counted,
    };
  }

  status() {
    const { log, clock } = this.#options;
    const now = clock.now();
    return {
      nextOffset: log.next,
      firstOffset: log.first,
      reducedOffset: this.#nextOffset,
      checkpointOffset: this.#checkpointer.position,
      logBytes: log.bytes,
      liveKeys: this.#state.heldCount,
      dirtyKeys: this.#state.dirtyCount,
      deduplicationIds: this.#dedup.size,
      deduplicationBytes: this.#dedup.bytes,
      deduplicationWindowMs: Math.min(
        this.#options.limits.deduplicationMs,
        this.#dedup.shrunk === 0 ? Number.POSITIVE_INFINITY : this.#dedup.reachMs(now),
      ),
      checkpoints: this.#checkpointer.count,
      lastCheckpointMs: this.#checkpointer.lastMs,
      queuedRecords: this.#pump.recordCount,
    };
  }

  /**
   * Puts another plan in force from here on; what was reduced before keeps its results. Rejects where the checkpoint
   * with the manifest could not be written: the plan is in force all the same, and the next checkpoint writes it.
   */
  switchPlan(plan: CompiledPlan): Promise<PlanChange> {
    const change = this.#switching
      .catch(() => {})
      .then(async () => {
        await this.drain();
        // What a plan makes of a record gets into the log only when the manifest says that it holds.
        return this.#pump.holdDuring(async () => {
          const made = this.#switch(plan);
          await this.#checkpointer.run();
          return made;
        });
      });
    this.#switching = change;
    return change;
  }

  /** Resolves when everything that was appended before is reduced. */
  async drain(): Promise<void> {
    const target = this.#options.log.next;
    while (this.#nextOffset < target && !this.#pump.isStopped) await this.#options.clock.yield();
  }

  checkpoint(): Promise<void> {
    return this.#checkpointer.run();
  }

  /** Reduces what is queued, writes a last checkpoint, and stops. The log and the store are the caller's. */
  async close(): Promise<void> {
    if (this.#pump.isStopped) return;
    await this.drain();
    // What the last checkpoint itself appends is reduced by the next process: the store is about to close.
    this.#pump.stop();
    this.#ticker.stop();
    this.#selfSender.retryNoMore();
    try {
      await this.#checkpointer.close();
    } finally {
      this.#selfSender.stop();
    }
  }

  /** Rejects, and leaves nothing running, where the first checkpoint could not be written. */
  async #start(): Promise<void> {
    this.#recovering = false;
    this.#options.log.onCommitted((batch) => this.#pump.take(batch));
    try {
      await this.#pump.holdDuring(() => {
        this.#selfSender.start();
        return this.#checkpointer.run();
      });
    } catch (error) {
      this.#pump.stop();
      this.#selfSender.stop();
      throw error;
    }
    this.#checkpointer.start();
    this.#ticker.start();
  }

  #reduceOne(record: LogRecord, offset: number): void {
    this.#reducer.reduce(record, offset);
    this.#nextOffset = offset + 1;
  }

  #recover(): void {
    for (const batch of this.#options.log.read(this.#nextOffset))
      batch.records.forEach((record, index) => {
        const offset = batch.firstOffset + index;
        if (offset < this.#nextOffset) return;
        if (record.kind === "self") this.#selfSender.seen(record.from);
        this.#reduceOne(record, offset);
      });
    this.#visibility.reducedTo(this.#nextOffset);
  }

  #switch(plan: CompiledPlan): PlanChange {
    // Not before the clock of any partition: what is due then must not see a past that is gone.
    const at = Math.max(
      this.#options.clock.now(),
      ...this.#reducer.partitions.map(({ clock }) => clock),
    );
    const { entry, change, mapping } = this.#plans.switchTo(plan, {
      fromOffset: this.#nextOffset,
      at,
    });
    this.#reducer.switchTo(plan, entry, mapping);
    return change;
  }

  #output(): ReducerOutput {
    const { listener } = this.#options;
    return {
      send: (effect: SendEffect) => this.outbox.add(effect),
      push: (effect: PushEffect) => {
        if (!this.#recovering) listener.pushed(effect);
      },
      segment: (effect: SegmentEffect) => {
        if (!this.#recovering) listener.segmentChanged(effect);
      },
      self: (record: Omit<SelfRecord, "at">, root: number) => {
        if (record.from.awaited) this.#visibility.sent(root);
        this.#moving.sent(record);
        this.#selfSender.add(record);
      },
      selfApplied: (record) => {
        if (record.from.awaited) this.#visibility.arrived(record.from);
        this.#moving.arrived(record);
      },
      deadLetter: (letter, offset, corrects) =>
        this.#deadLetters.rejected(letter, offset, corrects),
      corrected: ({ event, at }, offset, outcome) =>
        this.#deadLetters.corrected(event, { at, offset, outcome }),
      letter: (record) => this.#deadLetters.act(record),
      duplicate: (_record, offset, firstOffset) => this.#journal.duplicate(firstOffset, offset),
      accepted: (hash, offset) => this.#journal.accepted(hash, offset),
      table: (record: TableRecord) => {
        this.#tables.set(record.table, { version: record.version, rows: record.rows });
        this.#changedTables.add(record.table);
      },
      changed: (key, state, at) => {
        if (!this.#recovering && listener.wants(key)) listener.profileChanged(key, state, at);
      },
    };
  }

  #collectMeta(): MetaUpdate {
    return {
      position: {
        position: this.#nextOffset,
        logId: this.#options.log.id,
        counters: { ...this.#reducer.counters },
        partitions: this.#reducer.partitions.map((partition) => partition.snapshot()),
        outboxSequence: this.outbox.sequence,
        ...this.#deadLetters.totals(),
        dedupSlices: [...this.#dedup.slices],
        dedupStart: this.#dedup.startOffset,
        dedupShrunk: this.#dedup.shrunk,
      },
      manifest: this.#plans.unsaved,
      tables: [...this.#changedTables].map(
        (name) => [name, this.#tables.get(name) as TableVersion] as const,
      ),
    };
  }
}

/** Code of an earlier plan from the data folder; without it, its data alone. */
async function planOf(options: EngineOptions, entry: ManifestEntry): Promise<CompiledPlan> {
  if (entry.hash === options.plan.plan.hash) return options.plan;
  return (await options.loadPlan(entry)) ?? planWithoutCode(entry);
}
