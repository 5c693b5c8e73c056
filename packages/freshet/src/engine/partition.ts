import type { ContributeEffect } from "../core/effect.ts";
import type { FeatureState } from "../core/feature/type.ts";
import { murmur2 } from "../core/hash.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { SelfOrigin } from "../core/record.ts";

/** Kafka's default partitioner, so that a key lies in the same partition on every engine. */
export function partitionOf(key: string, partitions: number): number {
  return murmur2(key) % partitions;
}

/** What a checkpoint keeps of a partition, as plain data. */
export interface PartitionSnapshot {
  readonly clock: number;
  readonly gathered: readonly (readonly [
    entity: string,
    key: string,
    features: readonly unknown[],
  ])[];
  readonly marks: readonly (readonly [
    source: number,
    epoch: number,
    offset: number,
    ordinal: number,
  ])[];
}

/**
 * One logical partition.
 *
 * - R1 `clock` is the running maximum of `at` over its records (DESIGN 3, rule 1).
 * - R2 contributions are gathered until a tick record, so that the cut does not depend on timing (rule 9).
 * - R3 per source partition and epoch there is a high-water mark; what is at or below it was applied already.
 */
export class Partition {
  readonly index: number;
  clock = 0;
  #gathered = new Map<string, Map<string, (FeatureState | null)[]>>();
  #marks = new Map<string, readonly [offset: number, ordinal: number]>();

  constructor(index: number) {
    this.index = index;
  }

  static restore(index: number, snapshot: PartitionSnapshot): Partition {
    const partition = new Partition(index);
    partition.clock = snapshot.clock;
    for (const [entity, key, features] of snapshot.gathered)
      partition.#featuresOf(entity, key, () => [...features]);
    for (const [source, epoch, offset, ordinal] of snapshot.marks)
      partition.#marks.set(`${source}/${epoch}`, [offset, ordinal]);
    return partition;
  }

  snapshot(): PartitionSnapshot {
    return {
      clock: this.clock,
      gathered: [...this.#gathered].flatMap(([entity, keys]) =>
        // Copied: the features go on changing while the checkpoint is written.
        [...keys].map(([key, features]) => [entity, key, structuredCopy(features)] as const),
      ),
      marks: [...this.#marks].map(([name, [offset, ordinal]]) => {
        const [source, epoch] = name.split("/").map(Number) as [number, number];
        return [source, epoch, offset, ordinal] as const;
      }),
    };
  }

  advance(at: number): number {
    if (at > this.clock) this.clock = at;
    return this.clock;
  }

  gather(plan: CompiledPlan, effect: ContributeEffect): void {
    const entity = plan.entities.get(effect.entity);
    const slot = entity?.slots[effect.slot];
    if (entity === undefined || slot === undefined) return;
    const features = this.#featuresOf(effect.entity, effect.key, () =>
      new Array<FeatureState | null>(entity.slots.length).fill(null),
    );
    features[slot.index] = slot.feature.add(features[slot.index] ?? null, effect.item, this.clock);
  }

  #featuresOf(
    entity: string,
    key: string,
    make: () => (FeatureState | null)[],
  ): (FeatureState | null)[] {
    let keys = this.#gathered.get(entity);
    if (keys === undefined) {
      keys = new Map();
      this.#gathered.set(entity, keys);
    }
    let features = keys.get(key);
    if (features === undefined) {
      features = make();
      keys.set(key, features);
    }
    return features;
  }

  /** Keys that something was gathered for. */
  get gatheredCount(): number {
    let count = 0;
    for (const keys of this.#gathered.values()) count += keys.size;
    return count;
  }

  get hasGathered(): boolean {
    return this.#gathered.size > 0;
  }

  /** Everything gathered, in a fixed order, and starts anew. */
  takeGathered(): (readonly [
    entity: string,
    key: string,
    features: readonly (FeatureState | null)[],
  ])[] {
    const taken = [...this.#gathered]
      .flatMap(([entity, keys]) =>
        [...keys].map(([key, features]) => [entity, key, features] as const),
      )
      .sort((a, b) => compareText(a[0], b[0]) || compareText(a[1], b[1]));
    this.#gathered = new Map();
    return taken;
  }

  /** Under a new plan: what was gathered comes into its layout. */
  remap(pick: (entity: string, features: readonly unknown[]) => (FeatureState | null)[]): void {
    for (const [entity, keys] of this.#gathered)
      for (const [key, features] of keys) keys.set(key, pick(entity, features));
  }

  /** True the first time; false for a record that was applied already (R3). */
  admit(from: SelfOrigin): boolean {
    const name = `${from.partition}/${from.epoch}`;
    const mark = this.#marks.get(name);
    if (
      mark !== undefined &&
      (from.offset < mark[0] || (from.offset === mark[0] && from.ordinal <= mark[1]))
    )
      return false;
    this.#marks.set(name, [from.offset, from.ordinal]);
    return true;
  }
}

function structuredCopy<T>(value: T): T {
  return Array.isArray(value) ? (value.map(structuredCopy) as T) : value;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
