import { compileContracts } from "../../accept/index.ts";
import type { PlanDefinition } from "../../core/plan/definition.ts";
import { nearest } from "../../core/plan/error.ts";
import {
  addTraffic,
  type EventProposal,
  type EventSummary,
  isDataName,
  newTraffic,
  propose,
  quoted,
  settleTraffic,
  type Traffic,
  unnamedIn,
} from "../../schema/infer/index.ts";
import { UsageError } from "../usage-error.ts";
import { type Breach, BreachCounter, comparePlan, type PlanComparison } from "./compare.ts";
import { type EventReader, type Passed, readEvent } from "./traffic.ts";

export interface InferOptions {
  readonly reader: EventReader;
  /** Event names to look at; all unless said. */
  readonly names: readonly string[];
  /** At most so many events, the newest. */
  readonly eventsMax: number;
  /** Chooses the events that proposals are tried on. */
  readonly seed: number;
  /** What the events are held against. */
  readonly plan?: PlanDefinition;
  readonly signal?: AbortSignal;
  readonly onProgress?: (moment: InferMoment) => void;
}

export interface InferMoment {
  readonly events: number;
  readonly at: number;
  readonly elapsedMs: number;
}

export interface InferReport {
  readonly seed: number;
  /** Events of the names that were asked for. */
  readonly events: number;
  readonly refused: number;
  readonly oldestAt: number;
  readonly newestAt: number;
  /** Not looked at, by why. */
  readonly passed: { readonly [Why in Passed]: number };
  /** Events of names that found no room. */
  readonly unnamed: number;
  /** Events whose names look like data: an address or a number in them. */
  readonly dataNamed: number;
  /** There are older events that were not read. */
  readonly isCut: boolean;
  readonly isInterrupted: boolean;
  readonly proposals: readonly EventProposal[];
  readonly summaries: ReadonlyMap<string, EventSummary>;
  readonly plan?: { readonly name: string } & PlanComparison & {
      readonly broken: number;
      readonly breaches: readonly Breach[];
    };
}

/** Reads events, newest first, and says what they are. Throws UsageError where there is none. */
export async function inferTraffic(options: InferOptions): Promise<InferReport> {
  const { names, seed, plan } = options;
  const pinned = names.length > 0 ? names : (plan?.events.map(({ name }) => name) ?? []);
  const walk: Walk = {
    traffic: newTraffic(seed, pinned),
    wanted: new Set(names),
    others: new Set(),
    breaches: plan === undefined ? undefined : new BreachCounter(compileContracts(plan.events)),
    passed: { corrected: 0, otherRefusal: 0, notKept: 0 },
    oldestAt: Number.POSITIVE_INFINITY,
    newestAt: 0,
    refused: 0,
  };
  const isCut = await readAll(options, walk);
  settleTraffic(walk.traffic);
  const { traffic, breaches, passed } = walk;
  checkFound(walk, names);
  const all = [...traffic.names.values()].sort((one, other) => other.count - one.count);
  const summaries = all.filter(({ name }) => traffic.pinned.has(name) || !isDataName(name));
  const proposals = summaries.map(propose);
  return {
    seed,
    events: traffic.count,
    refused: walk.refused,
    oldestAt: walk.oldestAt,
    newestAt: walk.newestAt,
    passed,
    unnamed: unnamedIn(traffic),
    dataNamed: countOf(all) - countOf(summaries),
    isCut,
    isInterrupted: options.signal?.aborted === true,
    proposals,
    summaries: new Map(summaries.map((summary) => [summary.name, summary])),
    ...(plan === undefined || breaches === undefined
      ? {}
      : {
          plan: {
            name: plan.name,
            ...comparePlan(plan, proposals, names),
            broken: breaches.broken,
            breaches: breaches.breaches(),
          },
        }),
  };
}

const countOf = (summaries: readonly EventSummary[]): number =>
  summaries.reduce((sum, { count }) => sum + count, 0);

interface Walk {
  readonly traffic: Traffic;
  readonly wanted: ReadonlySet<string>;
  /** Some names that were not asked for, to offer the nearest of them. */
  readonly others: Set<string>;
  readonly breaches: BreachCounter | undefined;
  readonly passed: { [Why in Passed]: number };
  oldestAt: number;
  newestAt: number;
  refused: number;
}

const othersMax = 1000;

/** Returns whether there were more events than wanted. */
async function readAll(options: InferOptions, walk: Walk): Promise<boolean> {
  const { reader, eventsMax, signal, onProgress } = options;
  const startedAt = Date.now();
  for await (const batch of reader.read()) {
    for (const logged of batch) {
      if (walk.traffic.count >= eventsMax) return true;
      look(logged, walk);
    }
    if (signal?.aborted === true) return true;
    const at = batch.at(-1)?.at ?? walk.oldestAt;
    onProgress?.({ events: walk.traffic.count, at, elapsedMs: Date.now() - startedAt });
  }
  return false;
}

function look(logged: Parameters<typeof readEvent>[0], walk: Walk): void {
  const event = readEvent(logged);
  if (typeof event === "string") {
    walk.passed[event]++;
    return;
  }
  if (walk.wanted.size > 0 && !walk.wanted.has(event.name)) {
    if (walk.others.size < othersMax && !isDataName(event.name)) walk.others.add(event.name);
    return;
  }
  if (logged.at < walk.oldestAt) walk.oldestAt = logged.at;
  if (logged.at > walk.newestAt) walk.newestAt = logged.at;
  if (event.isRefused) walk.refused++;
  addTraffic(walk.traffic, event);
  walk.breaches?.look(event);
}

function checkFound({ traffic, others, passed }: Walk, names: readonly string[]): void {
  const missing = names.find((name) => !traffic.names.has(name));
  if (missing !== undefined) {
    const near = nearest(missing, others);
    throw new UsageError(
      `there is no event ${quoted(missing)} in what was read`,
      near === null ? othersHint(others) : `did you mean ${quoted(near)}?`,
      1,
    );
  }
  if (traffic.count > 0) return;
  const letters = passed.otherRefusal + passed.notKept;
  throw new UsageError(
    letters === 0
      ? "there are no events yet in what is to be read"
      : `none of the events can be read: ${letters} were refused for other reasons than their contract, or not kept`,
    "send some, or look further back with --since",
    1,
  );
}

function othersHint(others: ReadonlySet<string>): string {
  if (others.size === 0) return "there are no events yet; look further back with --since";
  const some = [...others].slice(0, 8).map(quoted).join(", ");
  return `there are ${some}${others.size > 8 ? ` and ${others.size - 8} more` : ""}`;
}
