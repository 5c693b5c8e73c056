import type { CompiledPlan } from "../core/plan/compile.ts";
import type { SelfOrigin } from "../core/record.ts";
import { comparePlans, type ManifestEntry, nextEntry, type PlanChange } from "./manifest.ts";
import { chainMappings, type Mapping, mapLayout } from "./migrate.ts";

export interface PlanSwitch {
  readonly entry: ManifestEntry;
  readonly change: PlanChange;
  /** From the layout before into that of the new plan. */
  readonly mapping: Mapping;
}

/**
 * The plans that were in force, the last one still is, and how states of an earlier layout come into the present one
 * (DESIGN 3, rule 10).
 */
export class PlanHistory {
  readonly #entries: ManifestEntry[];
  readonly #mappings = new Map<number, Mapping>();
  #isSaved = false;

  /** Of a checkpoint; it has one entry at least. */
  constructor(entries: ManifestEntry[]) {
    this.#entries = entries;
  }

  get entries(): readonly ManifestEntry[] {
    return this.#entries;
  }

  get epoch(): number {
    return this.#last.epoch;
  }

  /** All entries where a checkpoint does not have them yet. */
  get unsaved(): readonly ManifestEntry[] | null {
    return this.#isSaved ? null : [...this.#entries];
  }

  saved(entries: readonly ManifestEntry[] | null): void {
    if (entries?.length === this.#entries.length) this.#isSaved = true;
  }

  switchTo(
    plan: CompiledPlan,
    when: { readonly fromOffset: number; readonly at: number },
  ): PlanSwitch {
    const from = this.#last;
    const entry = nextEntry(this.#entries, plan, when);
    this.#entries.push(entry);
    this.#isSaved = false;
    this.#mappings.clear();
    const change = { epoch: entry.epoch, ...comparePlans(from.definition, entry.definition) };
    return { entry, change, mapping: mapLayout(from, entry) };
  }

  /** From the layout of an earlier epoch into the present one. */
  mappingFrom(epoch: number): Mapping {
    const known = this.#mappings.get(epoch);
    if (known !== undefined) return known;
    const from = this.#entries.findIndex((entry) => entry.epoch === epoch);
    const [first, ...later] = this.#entries.slice(from);
    if (from === -1 || first === undefined)
      throw new Error(`plan epoch ${epoch} is not in the manifest`);
    let mapping = mapLayout(first, first);
    let before = first;
    for (const entry of later) {
      mapping = chainMappings(mapping, mapLayout(before, entry));
      before = entry;
    }
    this.#mappings.set(epoch, mapping);
    return mapping;
  }

  /** False for what a plan wrote whose switch was lost in a crash. */
  has({ epoch, offset }: Pick<SelfOrigin, "epoch" | "offset">): boolean {
    const entry = this.#entries.find((one) => one.epoch === epoch);
    return entry !== undefined && entry.fromOffset <= offset;
  }

  get #last(): ManifestEntry {
    return this.#entries[this.#entries.length - 1] as ManifestEntry;
  }
}
