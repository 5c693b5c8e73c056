import type { Rejection } from "@freshet/protocol";
import { isCore } from "./build.ts";
import type { QueueLimits } from "./limits.ts";
import { utf8Bytes } from "./size.ts";
import type {
  DropReason,
  End,
  OpenRequest,
  QueueCommand,
  QueuedEvent,
  QueueInput,
  QueueState,
} from "./types.ts";

/**
 * The queue of every SDK, from an event that was captured to one that the server has or that was dropped and told.
 * Pure: no clock, no chance, no I/O. A shell gives inputs, and does what the commands say in their order.
 *
 * - Q1 An event that was taken is in one place: it waits, is in one open request, or was settled by one command.
 * - Q2 Events wait in the order in which they were taken; what a failed request brings back goes to its old place.
 * - Q3 At most `openMax` requests are open, and none is opened before `retryAt`. Leaving and lending open more, but
 *   never against what the server asked for.
 * - Q4 What is not settled stays within `eventsMax` and `bytesMax`: the oldest that waits makes room, and is told.
 * - Q5 The text of an event never changes: a retry is the same bytes.
 * - Q6 What is kept is what is not settled: `keep` when an event is taken, `settle` at its end.
 */
export function step(before: QueueState, input: QueueInput, limits: QueueLimits): Step {
  const work: Work = {
    ...before,
    ...limits,
    waiting: [...before.waiting],
    open: [...before.open],
    now: input.now,
    commands: [],
  };
  apply(work, input);
  while (dueAt(work) <= work.now) open(work, "send", batchOf(work));
  const { commands, ...state } = work;
  commands.push({ kind: "wake", at: dueAt(work) });
  return { state, commands };
}

export interface Step {
  readonly state: QueueState;
  readonly commands: readonly QueueCommand[];
}

/** The queue before its first event. */
export function emptyQueue(limits: QueueLimits): QueueState {
  return {
    waiting: [],
    open: [],
    added: 0,
    requests: 0,
    flushTo: 0,
    batchMax: limits.batchEventsMax,
    ...calm,
  };
}

/** Events that are not settled, the oldest first. */
export function unsettled({ waiting, open }: QueueState): QueuedEvent[] {
  return inOrder([...open.flatMap(({ events }) => events), ...waiting]);
}

function inOrder(events: QueuedEvent[]): QueuedEvent[] {
  return events.sort((a, b) => a.number - b.number);
}

/** After an answer that is no failure. */
const calm = { retryMs: 0, retryAt: 0, isHeld: false };

/** One step on its way: a copy of the state before, to be changed, with all that the step needs. */
type Work = QueueLimits & { -readonly [Field in keyof QueueState]: QueueState[Field] } & {
  readonly waiting: QueuedEvent[];
  readonly open: OpenRequest[];
  readonly now: number;
  readonly commands: QueueCommand[];
};

function apply(work: Work, input: QueueInput): void {
  switch (input.kind) {
    case "add":
      add(work, input.id, input.text);
      break;
    case "flush":
      work.flushTo = work.added;
      break;
    case "reach":
      if (!work.isHeld) Object.assign(work, calm);
      break;
    case "leave":
      // Q3.
      if (!work.isHeld || work.now >= work.retryAt) leave(work, input.bytesMax);
      break;
    case "answer":
      answer(work, input);
      break;
    case "withdraw":
      drop(work, work.waiting.splice(0), "withdrawn");
      break;
    case "lend":
      if (!isCore && work.now >= work.retryAt) open(work, "lend", batchOf(work));
      break;
    case "tick":
  }
}

function add(work: Work, id: string, text: string): void {
  const event = { number: work.added++, at: work.now, id, text, bytes: utf8Bytes(text) };
  if (event.bytes > work.eventBytesMax) drop(work, [event], "tooLarge");
  else {
    work.commands.push({ kind: "keep", event });
    work.waiting.push(event);
    makeRoom(work);
  }
}

/** Q4. Events of open requests are on their way, and stay. */
function makeRoom(work: Work): void {
  while (work.waiting.length > 0 && isOver(work)) drop(work, work.waiting.splice(0, 1), "full");
}

function isOver(work: Work): boolean {
  const all = unsettled(work);
  return all.length > work.eventsMax || bytesOf(all) > work.bytesMax;
}

/** A request for each batch that fits; what does not is sent by whoever finds it kept. */
function leave(work: Work, bytesMax: number): void {
  const batch = batchOf(work, bytesMax);
  const left = bytesMax - bytesOf(batch) - batch.length;
  if (batch.length === 0 || left < 0) return;
  open(work, "send", batch);
  leave(work, left);
}

function answer(
  work: Work,
  { request, outcome, random }: Extract<QueueInput, { kind: "answer" }>,
): void {
  const found = work.open.find(({ number }) => number === request);
  if (!found) return;
  work.open.splice(work.open.indexOf(found), 1);
  const { events } = found;
  if (outcome.kind === "failed") backOff(work, outcome.retryAfterMs, random);
  else if (isCore || outcome.kind !== "returned") Object.assign(work, calm);
  if (outcome.kind === "accepted") {
    work.batchMax = work.batchEventsMax;
    settleAccepted(work, events, outcome.rejected);
  } else if (outcome.kind !== "refused") putBack(work, events);
  else if (outcome.status === 413 && events.length > 1) {
    work.batchMax = events.length >> 1;
    putBack(work, events);
  } else {
    const { status } = outcome;
    drop(work, events, "refused", isCore ? `${status}` : `the server answered ${status}`);
  }
}

/** Q2. */
function putBack(work: Work, events: readonly QueuedEvent[]): void {
  work.waiting.push(...events);
  inOrder(work.waiting);
}

function settleAccepted(
  work: Work,
  events: readonly QueuedEvent[],
  rejected: readonly Rejection[],
): void {
  const left = new Set(events);
  for (const { index, code, message } of rejected) {
    const event = events[index];
    // Q1: a server that names an event twice does not end it twice.
    if (event && left.delete(event))
      drop(work, [event], "rejected", isCore ? code : `${code}: ${message}`);
  }
  settle(work, [...left], { kind: "delivered" });
}

/** Half of the wait is fixed and half is chance, so that pages that failed together do not come back together. */
function backOff(work: Work, retryAfterMs: number | null, random: number): void {
  work.isHeld = retryAfterMs !== null;
  work.retryMs = Math.min(work.retryMsMax, work.retryMs * 2 || work.retryMsMin);
  work.retryAt =
    work.now +
    (retryAfterMs === null
      ? work.retryMs * (0.5 + random / 2)
      : Math.min(work.retryAfterMsMax, retryAfterMs) + work.retryMsMin * random);
}

/** What the next request takes along: the oldest, and always one. */
function batchOf(work: Work, bytesMax = work.batchBytesMax): QueuedEvent[] {
  let bytes = 0;
  const end = work.waiting.findIndex((event, at) => {
    bytes += event.bytes + 1;
    return at >= work.batchMax || (at > 0 && bytes > Math.min(bytesMax, work.batchBytesMax));
  });
  return end < 0 ? work.waiting : work.waiting.slice(0, end);
}

/** When a request is to be opened. Where all are open, their answers go on. */
function dueAt(work: Work): number {
  const { waiting, batchMax, flushTo, lingerMs } = work;
  const [first] = waiting;
  if (!first || work.open.length >= work.openMax) return Number.POSITIVE_INFINITY;
  const { length } = batchOf(work);
  const isFull = length >= batchMax || length < waiting.length;
  return Math.max(work.retryAt, isFull || first.number < flushTo ? 0 : first.at + lingerMs);
}

function open(work: Work, kind: "send" | "lend", batch: readonly QueuedEvent[]): void {
  if (batch.length === 0) return;
  const events = work.waiting.splice(0, batch.length);
  const request: OpenRequest = { number: work.requests++, events };
  work.open.push(request);
  work.commands.push({ kind, request });
}

function drop(
  work: Work,
  events: readonly QueuedEvent[],
  reason: DropReason,
  detail = isCore ? "" : (sentences[reason] ?? ""),
): void {
  settle(work, events, { kind: "dropped", reason, detail });
}

const sentences: { readonly [reason: string]: string } = {
  full: "the queue is full",
  tooLarge: "it has more bytes than are taken",
  withdrawn: "consent was refused",
};

function settle({ commands }: Work, events: readonly QueuedEvent[], end: End): void {
  if (events.length > 0) commands.push({ kind: "settle", events, end });
}

function bytesOf(events: readonly QueuedEvent[]): number {
  return events.reduce((sum, { bytes }) => sum + bytes, 0);
}
