import { limits as wire } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import { browserLimits } from "../src/browser/limits.ts";
import { nodeLimits } from "../src/node/limits.ts";
import {
  type Answer,
  emptyQueue,
  lentOutcomeOf,
  type Outcome,
  outcomeOf,
  type QueueCommand,
  type QueueInput,
  type QueueLimits,
  step,
  utf8Bytes,
} from "../src/queue/index.ts";

/** A queue that is told things, and what it commanded since it was last asked. */
function open(limits: QueueLimits = browserLimits) {
  let state = emptyQueue(limits);
  const tell = (input: QueueInput): readonly QueueCommand[] => {
    const next = step(state, input, limits);
    state = next.state;
    return next.commands;
  };
  return {
    add: (count: number, now = 0, text = "{}") =>
      Array.from({ length: count }, (_, at) =>
        tell({ kind: "add", now, id: `m${at}`, text }),
      ).flat(),
    tell,
    answer: (request: number, outcome: Outcome, now = 0, random = 0) =>
      tell({ kind: "answer", now, request, outcome, random }),
    state: () => state,
  };
}

const failed: Outcome = { kind: "failed", retryAfterMs: null };
const accepted: Outcome = { kind: "accepted", rejected: [] };

const sent = (commands: readonly QueueCommand[]) =>
  commands.flatMap((command) => (command.kind === "send" ? [command.request.events.length] : []));
const ends = (commands: readonly QueueCommand[]) =>
  commands.flatMap((command) =>
    command.kind === "settle"
      ? [[command.events.length, command.end.kind === "dropped" ? command.end.reason : "delivered"]]
      : [],
  );
const wake = (commands: readonly QueueCommand[]) => {
  const last = commands.at(-1);
  return last?.kind === "wake" ? last.at : undefined;
};

describe("the queue", () => {
  it("waits 500 ms for company, and not once there are 50", () => {
    const queue = open();
    expect(wake(queue.add(1, 100))).toBe(600);
    expect(sent(queue.tell({ kind: "tick", now: 599 }))).toEqual([]);
    expect(sent(queue.tell({ kind: "tick", now: 600 }))).toEqual([1]);
    const full = open();
    expect(sent(full.add(49))).toEqual([]);
    expect(sent(full.add(1))).toEqual([50]);
  });

  it("sends a batch that is full in bytes at once, and never one that is too large", () => {
    const queue = open({ ...browserLimits, batchBytesMax: 100 });
    const text = JSON.stringify("x".repeat(38));
    expect(utf8Bytes(text)).toBe(40);
    expect(sent(queue.add(2, 0, text))).toEqual([]);
    expect(sent(queue.add(1, 0, text))).toEqual([2]);
  });

  it("has one request open, and the next after its answer", () => {
    const queue = open();
    expect(sent(queue.add(120))).toEqual([50]);
    expect(sent(queue.answer(0, accepted))).toEqual([50]);
    expect(sent(queue.tell({ kind: "flush", now: 1 }))).toEqual([]);
    expect(sent(queue.answer(1, accepted, 1))).toEqual([20]);
  });

  it("doubles its wait with each failure, half of it by chance, up to a minute", () => {
    const queue = open();
    queue.add(1);
    queue.tell({ kind: "flush", now: 0 });
    const waits = [];
    let now = 0;
    for (let request = 0; request < 10; request++) {
      const at = wake(queue.answer(request, failed, now, request % 2)) ?? 0;
      waits.push(at - now);
      now = at;
      expect(sent(queue.tell({ kind: "tick", now }))).toEqual([1]);
    }
    expect(waits).toEqual([250, 1000, 1000, 4000, 4000, 16_000, 16_000, 60_000, 30_000, 60_000]);
  });

  it("waits as long as the server asks, whatever else happens", () => {
    const queue = open();
    queue.add(1);
    queue.tell({ kind: "flush", now: 0 });
    expect(wake(queue.answer(0, { kind: "failed", retryAfterMs: 7000 }))).toBe(7000);
    for (const kind of ["flush", "reach", "tick", "lend"] as const)
      expect(sent(queue.tell({ kind, now: 6999 }))).toEqual([]);
    expect(sent(queue.tell({ kind: "leave", now: 6999, bytesMax: 60_000 }))).toEqual([]);
    expect(sent(queue.tell({ kind: "tick", now: 7000 }))).toEqual([1]);
    expect(wake(queue.answer(1, { kind: "failed", retryAfterMs: 86_400_000 }, 7000))).toBe(307_000);
  });

  it("tries at once when there is a network again", () => {
    const queue = open();
    queue.add(1);
    queue.tell({ kind: "flush", now: 0 });
    queue.answer(0, failed);
    expect(sent(queue.tell({ kind: "reach", now: 1 }))).toEqual([1]);
  });

  it("halves a batch that is too large until one event is, which is dropped", () => {
    const queue = open();
    expect(sent(queue.add(50))).toEqual([50]);
    expect(sent(queue.answer(0, { kind: "refused", status: 413 }))).toEqual([25]);
    expect(sent(queue.answer(1, { kind: "refused", status: 413 }))).toEqual([12]);
    queue.answer(2, accepted);
    expect(sent(queue.tell({ kind: "tick", now: 500 }))).toEqual([38]);
    const alone = open();
    alone.add(1);
    alone.tell({ kind: "flush", now: 0 });
    expect(ends(alone.answer(0, { kind: "refused", status: 413 }))).toEqual([[1, "refused"]]);
  });

  it("tells what was refused, rejected and delivered", () => {
    const queue = open();
    queue.add(3);
    queue.tell({ kind: "flush", now: 0 });
    const rejection = { index: 1, messageId: "m1", code: "eventTooDeep", message: "x" } as const;
    expect(ends(queue.answer(0, { kind: "accepted", rejected: [rejection] }))).toEqual([
      [1, "rejected"],
      [2, "delivered"],
    ]);
    queue.add(2);
    queue.tell({ kind: "flush", now: 0 });
    expect(ends(queue.answer(1, { kind: "refused", status: 401 }))).toEqual([[2, "refused"]]);
    expect(queue.state()).toMatchObject({ waiting: [], open: [] });
  });

  it("makes room for the newest, in events and in bytes, and takes none that the server refuses", () => {
    const queue = open({ ...browserLimits, eventsMax: 2, bytesMax: 30 });
    expect(ends(queue.add(3))).toEqual([[1, "full"]]);
    expect(queue.state().waiting.map(({ number }) => number)).toEqual([1, 2]);
    expect(ends(queue.add(1, 0, JSON.stringify("x".repeat(27))))).toEqual([
      [1, "full"],
      [1, "full"],
    ]);
    expect(ends(open().add(1, 0, JSON.stringify("x".repeat(32 * 1024))))).toEqual([
      [1, "tooLarge"],
    ]);
  });

  it("sends as much as may outlive a page when it is left, beside what is open", () => {
    const text = JSON.stringify("x".repeat(998));
    const queue = open();
    queue.add(20, 0, text);
    queue.tell({ kind: "flush", now: 0 });
    queue.add(80, 0, text);
    expect(sent(queue.tell({ kind: "leave", now: 0, bytesMax: 40_000 }))).toEqual([39]);
    expect(queue.state().waiting).toHaveLength(41);
  });

  it("lends what waits, and takes it back", () => {
    const queue = open();
    queue.add(3);
    const [lent] = queue.tell({ kind: "lend", now: 0 });
    expect(lent).toMatchObject({ kind: "lend", request: { number: 0 } });
    expect(queue.state().waiting).toEqual([]);
    queue.answer(0, { kind: "returned" });
    expect(queue.state().waiting).toHaveLength(3);
    expect(open().tell({ kind: "lend", now: 0 })).toEqual([
      { kind: "wake", at: Number.POSITIVE_INFINITY },
    ]);
  });

  it("withdraws what waits, not what is under way", () => {
    const queue = open();
    queue.add(1);
    queue.tell({ kind: "flush", now: 0 });
    queue.add(2);
    expect(ends(queue.tell({ kind: "withdraw", now: 0 }))).toEqual([[2, "withdrawn"]]);
    expect(queue.state().open).toHaveLength(1);
  });

  it("ignores an answer to a request that is not open", () => {
    const queue = open();
    expect(queue.answer(7, accepted)).toEqual([{ kind: "wake", at: Number.POSITIVE_INFINITY }]);
  });
});

describe("an answer", () => {
  const answer = (
    status: number,
    body: unknown = null,
    retryAfter: string | null = null,
  ): Answer => ({
    status,
    body,
    retryAfter,
  });

  it.each([400, 401, 403, 404, 405, 413])("of %i is the end of the batch", (status) => {
    expect(outcomeOf(answer(status))).toEqual({ kind: "refused", status });
  });

  it.each([0, 204, 302, 304, 408, 429, 500, 501, 502, 503, 599])(
    "of %i is tried again",
    (status) => {
      expect(outcomeOf(answer(status))).toEqual(failed);
    },
  );

  it("of 200 counts when the server itself gave it", () => {
    const rejected = [{ index: 0, messageId: "m", code: "eventTooDeep", message: "x" }];
    expect(outcomeOf(answer(200, { success: true, rejected }))).toEqual({
      kind: "accepted",
      rejected,
    });
    expect(outcomeOf(answer(200, { success: true }))).toEqual(accepted);
    expect(outcomeOf(answer(200, { success: true, rejected: [null, 5] }))).toEqual(accepted);
    for (const body of [null, "<html>", {}, { success: false }])
      expect(outcomeOf(answer(200, body))).toEqual(failed);
  });

  it("says in whole seconds when to come back, or it says nothing", () => {
    expect(outcomeOf(answer(429, null, "3"))).toEqual({ kind: "failed", retryAfterMs: 3000 });
    expect(outcomeOf(answer(503, null, "Sat, 21 Nov 2026 13:00:00 GMT"))).toEqual(failed);
    expect(outcomeOf(answer(503, null, "-1"))).toEqual(failed);
  });

  it("to a decision settles its events, or gives them back", () => {
    expect(lentOutcomeOf(answer(200, { decisions: {} }))).toEqual(accepted);
    expect(lentOutcomeOf(answer(200, {}))).toEqual(failed);
    expect(lentOutcomeOf(answer(400))).toEqual({ kind: "returned" });
    expect(lentOutcomeOf(answer(429, null, "2"))).toEqual({ kind: "failed", retryAfterMs: 2000 });
  });
});

it("counts bytes as UTF-8 has them", () => {
  for (const text of ["", "a", "é", "日本語", "😀", JSON.stringify("\ud800x")])
    expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
});

it("stays within what the server takes", () => {
  for (const limits of [browserLimits, nodeLimits]) {
    expect(limits.eventBytesMax).toBe(wire.eventBytesMax);
    expect(limits.batchBytesMax + limits.eventBytesMax).toBeLessThan(wire.bodyBytesMax);
    expect(limits.batchEventsMax).toBeLessThanOrEqual(wire.batchEventsMax);
    expect(limits.batchBytesMax).toBeGreaterThanOrEqual(limits.eventBytesMax);
  }
});
