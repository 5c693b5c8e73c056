import type { Contracts } from "../../accept/index.ts";
import { versionsOf } from "../../core/plan/contract.ts";
import type { EventDefinition, PlanDefinition } from "../../core/plan/definition.ts";
import type { EventProposal } from "../../schema/infer/index.ts";
import type { ReadEvent } from "./traffic.ts";

/** One way in which events break the plan's contract. */
export interface Breach {
  readonly event: string;
  /** What was expected; nothing that was sent. */
  readonly message: string;
  count: number;
  /** Of them, those that were taken: under an earlier plan, or marked. */
  taken: number;
  /** Who sent the first ones that were seen. */
  readonly origins: string[];
}

/** Ways that are told apart; contracts of a plan give some for each property. */
const breachesMax = 1000;
const originsMax = 3;

/** Holds events against the contracts of a plan, one by one. */
export class BreachCounter {
  readonly #contracts: Contracts;
  readonly #breaches = new Map<string, Breach>();
  /** Breaches that found no room of their own. */
  others = 0;
  broken = 0;

  constructor(contracts: Contracts) {
    this.#contracts = contracts;
  }

  look({ name, content, field, said, isRefused, origin }: ReadEvent): void {
    const judgement = this.#contracts.judge({ name, content, field, said });
    if (judgement.kind === "met" || judgement.kind === "eventUnknown") return;
    this.broken++;
    const message =
      judgement.kind === "broken"
        ? (judgement.issue.bare ?? judgement.issue.message)
        : `event "${name}": the plan lists no version ${judgement.version}`;
    const key = `${name}\n${message}`;
    let breach = this.#breaches.get(key);
    if (breach === undefined) {
      if (this.#breaches.size === breachesMax) {
        this.others++;
        return;
      }
      breach = { event: name, message, count: 0, taken: 0, origins: [] };
      this.#breaches.set(key, breach);
    }
    breach.count++;
    if (!isRefused) breach.taken++;
    if (breach.origins.length < originsMax && !breach.origins.includes(origin))
      breach.origins.push(origin);
  }

  /** The most frequent first. */
  breaches(): readonly Breach[] {
    return [...this.#breaches.values()].sort((one, other) => other.count - one.count);
  }
}

/** How the events that came differ from those that a plan names. */
export interface PlanComparison {
  readonly unknownEvents: readonly string[];
  /** Of those that were asked for. */
  readonly missingEvents: readonly string[];
  readonly events: ReadonlyMap<string, EventComparison>;
}

export interface EventComparison {
  readonly unnamed: ReadonlySet<string>;
  /** Properties that the plan names, and no event had. */
  readonly neverSeen: readonly string[];
}

export function comparePlan(
  plan: PlanDefinition,
  proposals: readonly EventProposal[],
  asked: readonly string[],
): PlanComparison {
  const declared = new Map(plan.events.map((event) => [event.name, event]));
  const seen = new Set(proposals.map(({ name }) => name));
  const isAsked = (name: string) => asked.length === 0 || asked.includes(name);
  const events = new Map<string, EventComparison>();
  for (const proposal of proposals) {
    const event = declared.get(proposal.name);
    if (event !== undefined) events.set(proposal.name, compareEvent(event, proposal));
  }
  return {
    unknownEvents: [...seen].filter((name) => !declared.has(name) && !builtIn.has(name)),
    missingEvents: [...declared.keys()].filter((name) => !seen.has(name) && isAsked(name)),
    events,
  };
}

/** Names of types that have none of their own; a plan need not declare them. */
const builtIn: ReadonlySet<string> = new Set([...["Page", "Screen", "Identify", "Group", "Alias"]]);

function compareEvent(event: EventDefinition, { content }: EventProposal): EventComparison {
  const named = new Set<string>();
  for (const version of versionsOf(event))
    for (const name of Object.keys(version.properties)) named.add(name);
  const seen = new Set(content.properties.map(({ name }) => name));
  // What a Protobuf file names is not read off it; its contract says itself what it takes.
  if (named.size === 0 && versionsOf(event).some(({ schema }) => schema !== undefined))
    return { unnamed: new Set(), neverSeen: [] };
  return {
    unnamed: new Set([...seen].filter((name) => !named.has(name))),
    neverSeen: [...named].filter((name) => !seen.has(name)),
  };
}
