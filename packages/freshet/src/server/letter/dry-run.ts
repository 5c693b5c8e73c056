import type { Json } from "@freshet/protocol";
import { applyChanges } from "../../accept/index.ts";
import type { LetterJobPlan } from "../../core/letter.ts";
import type { StoredDeadLetter } from "../../engine/dead-letter.ts";
import type { ServerContext } from "../context.ts";
import { matcherOf } from "./filter.ts";
import { lettersOf } from "./runner.ts";

/** A dry run answers one request: it ends here, and says how far it came. */
const dryRunMsMax = 10_000;
const examplesMax = 5;
/** Characters of an example's event; a larger one is left out, with its length. */
const exampleCharsMax = 4096;
const lookedAtOnce = 20;

interface Failure {
  readonly code: string;
  count: number;
  /** Of the first one. */
  readonly id: string;
  readonly message: string;
  readonly path?: string;
}

export interface DryRun {
  readonly dryRun: true;
  readonly matched: number;
  readonly wouldPass: number;
  readonly stillRefused: number;
  /** False where time was up before the last letter. */
  readonly complete: boolean;
  readonly refusals: readonly Failure[];
  readonly examples: readonly Json[];
}

type Asked = Omit<LetterJobPlan, "id" | "before">;

/** What a run would do, by the same accept, and nothing is written. */
export async function dryRun(asked: Asked, server: ServerContext): Promise<DryRun> {
  const { engine, clock } = server;
  const until = clock.now() + dryRunMsMax;
  const isMeant = matcherOf(asked.filter, asked.verb === "restore" ? "discarded" : "waiting");
  const refusals = new Map<string, Failure>();
  const examples: Json[] = [];
  let [matched, wouldPass, looked, complete] = [0, 0, 0, true];
  for (const letter of lettersOf(
    { filter: asked.filter, before: engine.status().nextOffset },
    engine,
  )) {
    if (++looked % lookedAtOnce === 0) {
      await clock.yield();
      if (clock.now() > until) {
        complete = false;
        break;
      }
    }
    if (!isMeant(letter)) continue;
    matched++;
    const refused = await tryOne(letter, asked, server);
    if (refused === null) {
      wouldPass++;
      if (examples.length < examplesMax) examples.push(exampleOf(letter, asked));
      continue;
    }
    const known = refusals.get(refused.code);
    if (known === undefined) refusals.set(refused.code, refused);
    else known.count++;
  }
  return {
    ...{ dryRun: true, matched, wouldPass, stillRefused: matched - wouldPass, complete },
    refusals: [...refusals.values()].sort((a, b) => b.count - a.count),
    examples,
  };
}

async function tryOne(
  letter: StoredDeadLetter,
  asked: Asked,
  { letters }: ServerContext,
): Promise<Failure | null> {
  if (asked.verb === "discard" || asked.verb === "restore") return null;
  const outcome = await letters.outcomeOf(letter, asked);
  if (outcome.kind === "event") return null;
  const { code, message, path } = outcome;
  const id = String(letter.offset);
  return { code, count: 1, id, message, ...(path === undefined ? {} : { path }) };
}

function exampleOf({ offset, id, event }: StoredDeadLetter, { changes }: Asked): Json {
  const after = changes === undefined ? {} : { after: shown(applyChanges(event, changes)) };
  return { id: String(offset), messageId: id, before: shown(event), ...after };
}

function shown(event: Json): Json {
  const chars = JSON.stringify(event).length;
  return chars <= exampleCharsMax ? event : { eventChars: chars };
}
