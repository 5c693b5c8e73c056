import { FreshetError, type Json } from "@freshet/protocol";
import { resend } from "../../accept/index.ts";
import type { StoredDeadLetter } from "../../engine/dead-letter.ts";
import type { ServerContext } from "../context.ts";
import { contextFor } from "./schemas.ts";
import { letterView } from "./view.ts";

export interface ByHand {
  readonly id: number;
  readonly event: Json;
  readonly isVouched: boolean;
  readonly isDryRun: boolean;
}

/** One letter with the event that somebody wrote for it. */
export async function correctByHand(asked: ByHand, server: ServerContext): Promise<object> {
  const { letters } = server;
  const letter = letterOf(asked.id, server);
  if (letter.state.kind !== "waiting") return answer(letter.state.kind, letter);
  const outcome = resend(letter, await contextFor(letter, asked.event, server), {
    corrects: { letter: letter.offset },
    event: asked.event,
    isVouched: asked.isVouched,
  });
  if (outcome.kind === "refused") {
    const { code, message, path } = outcome;
    return { ...answer("refused", letter), code, message, ...(path === undefined ? {} : { path }) };
  }
  if (asked.isDryRun) return { dryRun: true, ...answer("wouldPass", letter) };
  const receipt = await letters.append([outcome.record]);
  return { ...outcomeOf(letterOf(asked.id, server)), receipt };
}

/** What the reducer made of it. */
function outcomeOf(letter: StoredDeadLetter): object {
  const { state, code, message } = letter;
  switch (state.kind) {
    case "sent":
      return answer(state.outcome, letter);
    case "waiting":
      // Accept took it and the plan's own function did not: that is the letter's reason now.
      return { ...answer("failed", letter), code, message };
    case "discarded":
      return answer("discarded", letter);
  }
}

function answer(outcome: string, letter: StoredDeadLetter) {
  return { outcome, deadLetter: letterView(letter, { whole: false }) };
}

export function letterOf(id: number, { engine }: Pick<ServerContext, "engine">): StoredDeadLetter {
  const letter = engine.deadLetters.get(id);
  if (letter !== null) return letter;
  throw new FreshetError("deadLetterNotFound", `no dead letter has the id "${id}"`);
}
