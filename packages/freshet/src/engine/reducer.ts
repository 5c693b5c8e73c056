import { type Json, readJson } from "@freshet/protocol";
import type { Effect, PushEffect, SegmentEffect, SendEffect } from "../core/effect.ts";
import type { Corrects, DeadLetter } from "../core/event.ts";
import { copyArrays, type Packed, packPart, unpackPart } from "../core/pack.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import { type EntityState, never, type ProfileState } from "../core/profile.ts";
import type {
  DeadLetterRecord,
  EventRecord,
  LetterRecord,
  LogRecord,
  SelfBody,
  SelfOrigin,
  SelfRecord,
  TableRecord,
} from "../core/record.ts";
import { type StepInput, type StepResult, step } from "../core/step.ts";
import { type Counters, emptyCounters } from "./counters.ts";
import type { DedupPosition, DedupWindow } from "./dedup.ts";
import type { KeyState } from "./key-state.ts";
import type { Held, KeyedState, Live } from "./keyed-state.ts";
import { type Mapping, migratePart, pickEntityFeatures } from "./migrate.ts";
import { type Partition, partitionOf } from "./partition.ts";
import { entityKey, entityOf, isEntityKey } from "./store-key.ts";
import type { Timers } from "./timers.ts";

/** Where the reducer's results go. Calls come in log order. */
export interface ReducerOutput {
  send(effect: SendEffect): void;
  push(effect: PushEffect): void;
  segment(effect: SegmentEffect): void;
  /** To be appended to the log, in this order; `root` is the offset of the record that began the chain. */
  self(record: Omit<SelfRecord, "at">, root: number): void;
  selfApplied(record: SelfRecord): void;
  /** `corrects` where the plan refused the corrected event of an earlier letter. */
  deadLetter(letter: DeadLetter, offset: number, corrects?: Corrects): void;
  /** A letter's event came corrected. `offset` is where its id was applied: here, or earlier. */
  corrected(record: EventRecord, offset: number, outcome: "applied" | "duplicate"): void;
  letter(record: LetterRecord): void;
  duplicate(record: EventRecord, offset: number, firstOffset: number): void;
  accepted(hash: Uint32Array, offset: number): void;
  table(record: TableRecord): void;
  changed(key: string, state: ProfileState, at: number): void;
}

export interface ReducerOptions {
  readonly plan: CompiledPlan;
  readonly epoch: number;
  readonly partitions: readonly Partition[];
  readonly state: KeyedState;
  readonly dedup: DedupWindow;
  readonly timers: Timers;
  readonly counters?: Counters;
  readonly output: ReducerOutput;
  /** From the layout of an earlier epoch into that of `epoch`. */
  mappingFrom(epoch: number): Mapping;
  /** False for a record that a plan wrote whose switch was lost in a crash: its origin is reduced by another one. */
  isOfPlan(from: SelfOrigin): boolean;
}

/**
 * Runs the core over the records of the log, one at a time and in order, with everything around a step that the
 * core does not know: deduplication, partition clocks, timers, high-water marks, gathering. Deterministic: what it
 * does follows from the log alone, so recovery and replay do the same.
 */
export class Reducer {
  readonly counters: Counters;
  readonly partitions: readonly Partition[];
  #options: ReducerOptions;
  #plan: CompiledPlan;
  #epoch: number;
  /** Origin of what the record at hand sends to other keys. */
  #origin = { partition: 0, offset: 0, ordinal: 0, root: 0 };

  constructor(options: ReducerOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#epoch = options.epoch;
    this.counters = options.counters ?? emptyCounters();
    this.partitions = options.partitions;
  }

  get plan(): CompiledPlan {
    return this.#plan;
  }

  /** From the next record on, another plan holds. */
  switchTo(plan: CompiledPlan, { epoch }: { readonly epoch: number }, mapping: Mapping): void {
    const { state, timers } = this.#options;
    this.#plan = plan;
    this.#epoch = epoch;
    state.switchTo(epoch, mapping);
    for (const [key, time] of state.dirtyTimers())
      timers.set(key, partitionOf(key, this.partitions.length), time);
    for (const partition of this.partitions)
      partition.remap((entity, features) => pickEntityFeatures(entity, features, mapping));
  }

  reduce(record: LogRecord, offset: number): void {
    const partition = this.partitions[record.partition];
    if (partition === undefined)
      throw new Error(`record ${offset} is of partition ${record.partition}, which does not exist`);
    const root = record.kind === "self" ? record.from.root : offset;
    this.#origin = { partition: partition.index, offset, ordinal: 0, root };
    const clock = partition.advance(record.at);
    this.#fireDue(partition, clock);
    switch (record.kind) {
      case "event":
        this.#event(record, offset, clock);
        break;
      case "deadLetter":
        this.#reject(record, offset);
        break;
      case "tick":
        this.#flushGathered(partition);
        break;
      case "self":
        this.#self(record, partition, offset, clock);
        break;
      case "table":
        this.#options.output.table(record);
        break;
      case "letter":
        this.#options.output.letter(record);
        break;
      case "plan":
        break;
    }
  }

  #event(record: EventRecord, offset: number, clock: number): void {
    const { event, key } = record;
    const { dedup, output } = this.#options;
    const known =
      event.corrects === undefined
        ? dedup.take(`${event.source}\n${key}`, event.id, { clock, offset })
        : this.#takeCorrected(record, event.corrects, { clock, offset });
    if (known !== null) {
      this.counters.duplicate++;
      output.duplicate(record, offset, known);
      if (event.corrects !== undefined) output.corrected(record, known, "duplicate");
      return;
    }
    const result = this.#step(key, { kind: "event", event, offset, at: clock });
    if (result.failure !== undefined) {
      this.#fail(record, offset, result.failure);
      return;
    }
    output.accepted(dedup.lastHash(), offset);
    this.counters.applied++;
    if (result.outcome === "filtered") this.counters.filtered++;
    if (event.corrects === undefined) return;
    output.accepted(dedup.hashOf(letterScope, `${event.corrects.letter}`), offset);
    this.counters.corrected++;
    output.corrected(record, offset, "applied");
  }

  /**
   * A corrected event has a second id, that of its letter: who corrects a letter twice at once, each time for another
   * profile, has it applied once all the same. Nor is it free again where the event had come by itself meanwhile.
   */
  #takeCorrected(
    { event, key }: EventRecord,
    { letter }: Corrects,
    position: DedupPosition,
  ): number | null {
    const { dedup, output } = this.#options;
    const before = dedup.take(letterScope, `${letter}`, position);
    if (before !== null) return before;
    const known = dedup.take(`${event.source}\n${key}`, event.id, position);
    if (known !== null) output.accepted(dedup.hashOf(letterScope, `${letter}`), position.offset);
    return known;
  }

  /** The plan's own function threw: the event waits as a dead letter, and its id is free for a corrected one. */
  #fail(
    record: EventRecord,
    offset: number,
    failure: { readonly name: string; readonly message: string },
  ): void {
    const { event } = record;
    this.counters.rejected++;
    this.counters.failed++;
    const { dedup, output } = this.#options;
    dedup.forget();
    if (event.corrects !== undefined)
      dedup.forget(dedup.hashOf(letterScope, `${event.corrects.letter}`));
    output.deadLetter(
      {
        id: event.id,
        code: "planFunctionFailed",
        message: `the plan's function "${failure.name}" threw: ${failure.message}`,
        source: event.source,
        at: record.at,
        event: readJson(JSON.stringify(event)) as Json,
        name: event.name,
        time: event.time,
        form: { shape: "accepted", own: true, ...(event.imported ? { imported: true } : {}) },
      },
      offset,
      event.corrects,
    );
  }

  #reject(record: DeadLetterRecord, offset: number): void {
    this.counters.rejected++;
    this.#options.output.deadLetter(record.letter, offset);
  }

  #self(record: SelfRecord, partition: Partition, offset: number, clock: number): void {
    if (!this.#options.isOfPlan(record.from) || !partition.admit(record.from)) {
      this.counters.selfDropped++;
      return;
    }
    this.#options.output.selfApplied(record);
    this.counters.selfApplied++;
    const body = this.#inLayout(record);
    if (body.kind === "contribution") this.#contribute(record.key, body.features);
    else this.#step(record.key, { kind: "self", body, offset, at: clock });
  }

  /** Records that were sent under an earlier plan carry states of its layout. */
  #inLayout(record: SelfRecord): SelfBody {
    const { body, from } = record;
    if (from.epoch === this.#epoch) return body;
    const mapping = this.#options.mappingFrom(from.epoch);
    if (body.kind === "contribution")
      return {
        kind: "contribution",
        features: pickEntityFeatures(entityOf(record.key), body.features, mapping),
      };
    if (body.kind !== "part") return body;
    const part = unpackPart(copyArrays(body.state as Packed));
    migratePart(part, mapping);
    return { ...body, state: packPart(part) };
  }

  #contribute(key: string, features: readonly unknown[]): void {
    const entity = this.#plan.entities.get(entityOf(key));
    if (entity === undefined) return;
    const known = this.#options.state.edit(key);
    const state: EntityState =
      known?.state.kind === "entity"
        ? known.state.entity
        : { version: 0, features: entity.slots.map(() => null) };
    for (const slot of entity.slots) {
      const given = features[slot.index] ?? null;
      if (given !== null)
        state.features[slot.index] = slot.feature.merge(state.features[slot.index] ?? null, given);
    }
    state.version++;
    const kept: KeyState =
      known?.state.kind === "entity" ? known.state : { kind: "entity", entity: state };
    this.#options.state.put(key, known, kept);
  }

  #step(key: string, input: StepInput): StepResult {
    const { state, output } = this.#options;
    const known = state.edit(key);
    const given = known?.state.kind === "profile" ? known.state.profile : null;
    const result = step(this.#plan, key, given, input);
    if (result.state !== null) {
      this.#arm(state.put(key, known, sameOr(known, given, result.state)));
      output.changed(key, result.state, input.at);
    }
    for (const effect of result.effects) this.#act(effect);
    return result;
  }

  #act(effect: Effect): void {
    const { output } = this.#options;
    switch (effect.kind) {
      case "send":
        this.counters.effectsSent++;
        output.send(effect);
        break;
      case "push":
        this.counters.effectsPushed++;
        output.push(effect);
        break;
      case "segment":
        if (effect.change === "entered") this.counters.segmentsEntered++;
        else this.counters.segmentsLeft++;
        output.segment(effect);
        break;
      case "self":
        this.#sendSelf(effect.to, effect.body, { awaited: true });
        break;
      case "contribute":
        this.partitions[this.#origin.partition]?.gather(this.#plan, effect);
        break;
    }
  }

  #sendSelf(key: string, body: SelfBody, { awaited }: { readonly awaited: boolean }): void {
    const { partition, offset, root } = this.#origin;
    const from: SelfOrigin = {
      partition,
      offset,
      ordinal: this.#origin.ordinal++,
      epoch: this.#epoch,
      awaited,
      root,
    };
    const target = partitionOf(key, this.partitions.length);
    this.#options.output.self({ kind: "self", partition: target, key, from, body }, root);
  }

  #flushGathered(partition: Partition): void {
    for (const [entity, key, features] of partition.takeGathered())
      this.#sendSelf(
        entityKey(entity, key),
        { kind: "contribution", features },
        { awaited: false },
      );
  }

  /** Timers of idle keys: they see their own time as now, so firing them here or later is the same. */
  #fireDue(partition: Partition, clock: number): void {
    const { timers, state } = this.#options;
    if (timers.needsMore(clock)) timers.extend(clock, state.dirtyTimers());
    for (;;) {
      const key = timers.next(partition.index, clock);
      if (key === null) return;
      if (isEntityKey(key)) continue;
      const known = state.find(key);
      if (known === null) continue;
      known.heapTimer = never;
      // That of a packed state may be early: the state tells (K5).
      if (known.timer <= clock) state.edit(key);
      const { timer } = known;
      if (timer > clock) {
        state.leave(known);
        if (timer === never) continue;
        // The entry was early: its place in the index moves with the next checkpoint where it has to (K3).
        this.#arm(known);
        if (timer >= timers.horizon) state.touch(known);
        continue;
      }
      this.counters.timersFired++;
      this.#step(key, { kind: "timer", at: clock });
    }
  }

  #arm(held: Held): void {
    const { key, timer } = held;
    if (timer === never || timer >= held.heapTimer) return;
    const partition = partitionOf(key, this.partitions.length);
    if (this.#options.timers.set(key, partition, timer)) held.heapTimer = timer;
  }
}

/** A state is changed in place, and what holds it stays: one object less for each event that lives on. */
function sameOr(known: Live | null, given: ProfileState | null, state: ProfileState): KeyState {
  return known !== null && given === state ? known.state : { kind: "profile", profile: state };
}

/** No source's scope: those have a line break in them. */
const letterScope = "letter";
