import { type Json, limits } from "@freshet/protocol";
import type { LetterState, StoredDeadLetter } from "../../engine/dead-letter.ts";
import type { LetterJob } from "../../engine/dead-letter-jobs.ts";

/** Characters of an event's JSON up to which a list shows it; one letter by its id shows it whole. */
const listedCharsMax = 4096;

export function letterView(letter: StoredDeadLetter, options: { readonly whole: boolean }) {
  const { id, offset, event, state, bytes, kind: _kind, form, ...rest } = letter;
  const chars = JSON.stringify(event).length;
  return {
    id: String(offset),
    messageId: id,
    ...rest,
    ...skewOf(letter),
    ...stateView(state),
    ...(form === undefined ? {} : { form }),
    ...(options.whole || chars <= listedCharsMax ? { event } : { eventChars: chars }),
    offset,
    bytes,
    journey: `/v1/events/${encodeURIComponent(id)}`,
  };
}

/** By how much `time` was corrected: nothing where the clock was right, or nothing said when it was sent. */
function skewOf({ at, sentAt }: StoredDeadLetter): { readonly skewMs?: number } {
  if (sentAt === undefined) return {};
  const skewMs = at - sentAt;
  return { skewMs: Math.abs(skewMs) > limits.clockSkewMsDeadBand ? skewMs : 0 };
}

function stateView(state: LetterState): {
  readonly state: string;
  readonly [detail: string]: Json;
} {
  switch (state.kind) {
    case "waiting":
      return { state: "waiting" };
    case "sent":
      return {
        state: "sent",
        sent: { at: state.at, offset: state.offset, outcome: state.outcome },
      };
    case "discarded": {
      const { at, by, reason = null } = state;
      return { state: "discarded", discarded: { at, by, reason } };
    }
  }
}

/** How far a run is, as long as only its runner knows. */
export interface LetterProgress {
  matched: number;
  refused: Record<string, number>;
}

export function jobView(job: LetterJob, live: LetterProgress | undefined) {
  const { before: _before, matched, refused, ...rest } = job;
  return {
    ...rest,
    matched: matched ?? live?.matched ?? 0,
    refused: refused ?? { ...live?.refused },
  };
}
export type LetterJobView = ReturnType<typeof jobView>;
