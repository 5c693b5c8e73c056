import { msgpackCodec } from "../adapters/codec/msgpack.ts";
import { deepEqualPlain } from "../core/codec.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import { ProfileView } from "../core/view.ts";
import type { Counters } from "../engine/counters.ts";
import { type KeyState, packState, unpackState } from "../engine/key-state.ts";
import type { Meta } from "../engine/meta.ts";
import type { PartitionSnapshot } from "../engine/partition.ts";
import type { StateStore } from "../engine/port/state-store.ts";
import { type Replayer, settledState, stateReader } from "../engine/replay.ts";
import { entityOf } from "../engine/store-key.ts";

/** Live state against what a replay made of the same records. */
export interface Comparison {
  readonly position: number;
  readonly keys: number;
  /** Keys and counters that differ. */
  readonly different: number;
  /** The first of them, in words. */
  readonly examples: readonly string[];
}

const examplesMax = 20;
const codec = msgpackCodec();

/**
 * Compares every key, in one turn: a server that owns the folder goes on meanwhile, and a turn sees one checkpoint.
 * The replay must stand at `live.position`.
 */
export function compareWithLive(
  replayer: Replayer,
  live: Meta,
  stores: { readonly live: StateStore; readonly own: StateStore },
): Comparison {
  const examples: string[] = [];
  let different = 0;
  const differs = (what: string) => {
    different++;
    if (examples.length < examplesMax) examples.push(what);
  };
  const read = stateReader(codec, live.manifest);
  const { plan, partitions } = replayer;
  let keys = 0;
  for (const [key, value] of stores.live.scan("state", {})) {
    keys++;
    const own = replayer.read(key);
    if (own === null) {
      differs(`${key}: live has it, the replay does not`);
      continue;
    }
    const there = settledState(plan, key, read(key, value), partitions);
    const here = settledState(plan, key, copyOf(key, own), partitions);
    if (!deepEqualPlain(packState(here), packState(there)))
      differs(`${key}: ${whatDiffers(plan, here, there)}`);
  }
  for (const [key] of stores.own.scan("state", {}))
    if (stores.live.get("state", key) === undefined)
      differs(`${key}: the replay has it, live does not`);
  for (const text of countersThatDiffer(replayer.counters, live.counters)) differs(text);
  for (const text of partitionsThatDiffer(replayer, live.partitions)) differs(text);
  return { position: live.position, keys, different, examples };
}

/** Through the codec, so that firing timers on it changes nothing of the replay. */
function copyOf(key: string, state: KeyState): KeyState {
  return unpackState(key, codec.decode(codec.encode(packState(state))) as readonly unknown[]);
}

function whatDiffers(plan: CompiledPlan, here: KeyState, there: KeyState): string {
  if (here.kind === "entity" || there.kind === "entity") return "its features differ";
  const [own, live] = [here.profile, there.profile];
  if (own.version !== live.version)
    return `the replay has version ${own.version}, live ${live.version}`;
  const views = [new ProfileView(plan, own, 0), new ProfileView(plan, live, 0)] as const;
  for (const [name, slot] of plan.slotOf)
    if (!deepEqualPlain(views[0].featureState(slot), views[1].featureState(slot)))
      return `feature "${name}" differs`;
  for (const { definition } of plan.segments)
    if (views[0].segment(definition.name) !== views[1].segment(definition.name))
      return `segment "${definition.name}" differs`;
  return "something beside features and segments differs";
}

/** What follows from the log alone; timers and effects are counted again where a crash repeated them. */
const counterNames = [
  "applied",
  "duplicate",
  "rejected",
  "filtered",
  "failed",
] as const satisfies (keyof Counters)[];

function countersThatDiffer(own: Readonly<Counters>, live: Counters): string[] {
  return counterNames
    .filter((name) => own[name] !== live[name])
    .map((name) => `counter "${name}": the replay has ${own[name]}, live ${live[name]}`);
}

function partitionsThatDiffer(replayer: Replayer, live: readonly PartitionSnapshot[]): string[] {
  return replayer.partitions.flatMap((partition, index) => {
    const [own, other] = [partition.snapshot(), live[index]];
    if (other === undefined) return [`partition ${index} is not there live`];
    const texts: string[] = [];
    if (own.clock !== other.clock)
      texts.push(`partition ${index}: the replay's clock is ${own.clock}, live ${other.clock}`);
    if (!deepEqualPlain(own.gathered, other.gathered))
      texts.push(`partition ${index}: what is gathered for popular keys differs`);
    return texts;
  });
}

/** Who enters and leaves a segment when the replayed plan takes over. */
export interface MembershipChange {
  readonly segment: string;
  readonly entered: number;
  readonly left: number;
  /** A few profiles of either kind. */
  readonly examples: readonly string[];
}

const memberExamplesMax = 3;

export function membershipChanges(
  replayer: Replayer,
  live: { readonly meta: Meta; readonly plan: CompiledPlan; readonly store: StateStore },
  own: StateStore,
): MembershipChange[] {
  const changes = new Map<string, { entered: number; left: number; examples: string[] }>();
  const note = (segment: string, change: "entered" | "left", key: string) => {
    const known = changes.get(segment) ?? { entered: 0, left: 0, examples: [] };
    changes.set(segment, known);
    known[change]++;
    if (known.examples.length < memberExamplesMax) known.examples.push(`${key} ${change}`);
  };
  const read = stateReader(codec, live.meta.manifest);
  const before = (key: string): ReadonlySet<string> => {
    const value = live.store.get("state", key);
    if (value === undefined) return new Set();
    return membersOf(
      live.plan,
      settledState(live.plan, key, read(key, value), live.meta.partitions),
    );
  };
  for (const [key] of own.scan("state", {})) {
    const state = replayer.read(key);
    if (state === null) continue;
    const after = membersOf(
      replayer.plan,
      settledState(replayer.plan, key, copyOf(key, state), replayer.partitions),
    );
    const was = before(key);
    for (const segment of after) if (!was.has(segment)) note(segment, "entered", key);
    for (const segment of was) if (!after.has(segment)) note(segment, "left", key);
  }
  return [...changes]
    .map(([segment, change]) => ({ segment, ...change }))
    .sort((a, b) => (a.segment < b.segment ? -1 : 1));
}

function membersOf(plan: CompiledPlan, state: KeyState): Set<string> {
  if (state.kind === "entity") return new Set();
  const { members } = state.profile;
  return new Set(
    plan.segments
      .filter(({ index }) => (members[index] ?? null) !== null)
      .map(({ definition }) => definition.name),
  );
}

/** What a replay made, counted. */
export interface Summary {
  readonly profiles: number;
  readonly entities: { readonly [entity: string]: number };
  readonly features: readonly {
    readonly name: string;
    readonly profiles: number;
    readonly approximate: number;
  }[];
  readonly segments: readonly { readonly name: string; readonly profiles: number }[];
}

export function summarize(replayer: Replayer, own: StateStore): Summary {
  const { plan, partitions } = replayer;
  const features = new Map(
    [...plan.slotOf.keys()].map((name) => [name, { name, profiles: 0, approximate: 0 }]),
  );
  const segments = new Map(
    plan.segments.map(({ definition: { name } }) => [name, { name, profiles: 0 }]),
  );
  const entities: Record<string, number> = {};
  let profiles = 0;
  for (const [key] of own.scan("state", {})) {
    const found = replayer.read(key);
    if (found === null) continue;
    if (found.kind === "entity") {
      entities[entityOf(key)] = (entities[entityOf(key)] ?? 0) + 1;
      continue;
    }
    const state = settledState(plan, key, copyOf(key, found), partitions);
    if (state.kind !== "profile" || state.profile.parts.length === 0) continue;
    profiles++;
    const view = new ProfileView(plan, state.profile, partitions[0]?.clock ?? 0);
    for (const [name, slot] of plan.slotOf) {
      const value = view.featureState(slot);
      const count = features.get(name);
      if (value === null || count === undefined) continue;
      count.profiles++;
      if (slot.feature.approximate(value)) count.approximate++;
    }
    for (const name of membersOf(plan, state)) {
      const count = segments.get(name);
      if (count !== undefined) count.profiles++;
    }
  }
  return { profiles, entities, features: [...features.values()], segments: [...segments.values()] };
}
