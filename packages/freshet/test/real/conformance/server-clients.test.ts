/** Clients for servers, unmodified, against the real server: what they send arrives once, whatever the network does. */
import { describe, expect, it } from "vitest";
import { readProfile } from "../../process/support/client.ts";
import type { Fault } from "../support/bad-network.ts";
import { type Client, type ClientKind, clientKinds } from "../support/client.ts";
import {
  expectApplied,
  expectJourneys,
  expectSix,
  openClient,
  openStage,
  type Stage,
  sixCalls,
  timeOfCalls,
  views,
  viewsOf,
} from "../support/stage.ts";

/** A server, a network and a client of one test; tests run side by side, since some clients wait long. */
async function open(
  kind: ClientKind,
  { timeoutMs, fault, onEnd }: OpenOptions,
): Promise<{ readonly stage: Stage; readonly client: Client }> {
  const stage = await openStage();
  onEnd(() => stage.close());
  if (fault !== undefined) faultFirst(stage, fault);
  const client = openClient(kind, stage, timeoutMs);
  onEnd(() => client.close());
  return { stage, client };
}

interface OpenOptions {
  readonly timeoutMs?: number;
  readonly fault?: Fault;
  readonly onEnd: (clean: () => Promise<void>) => void;
}

/** The first request that carries events meets the fault; the others meet none. */
function faultFirst(stage: Stage, fault: Fault): void {
  let isFirst = true;
  stage.network.plan(() => {
    if (!isFirst) return { kind: "none" };
    isFirst = false;
    return fault;
  });
}

const seenFaults = (stage: Stage) =>
  stage.network.seen.filter(({ fault }) => fault !== "none").length;

describe.concurrent.each(clientKinds)("$name", (kind) => {
  it("delivers all six calls, with their values, times and context", async ({
    onTestFinished: onEnd,
  }) => {
    const { stage, client } = await open(kind, { onEnd });
    const time = timeOfCalls();
    client.send(sixCalls("ana", time));
    const account = await client.settle();
    expect([account.delivered.length, account.failed]).toEqual([6, []]);
    await expectApplied(stage, 6);
    await expectJourneys(stage, account);
    await expectSix(stage, { profileId: "ana", library: kind.library, time });
    const { identifiers } = (await readProfile(stage.url(), "ana")).body;
    expect(identifiers).toEqual(expect.arrayContaining(["anon:ana-anon", "anon:ana-before"]));
  });

  it.for<[string, Fault]>([
    ["429 with Retry-After", { kind: "refuse", code: "overloaded" }],
    ["503", { kind: "refuse", code: "logUnavailable" }],
    ["a connection that is cut before its answer", { kind: "cutAnswer" }],
    ["a connection that is cut in the middle of its body", { kind: "cutBody" }],
    ["a network that sends everything twice", { kind: "double" }],
  ])(
    "sends again after $0, and each event counts once",
    async ([_what, fault], { onTestFinished: onEnd }) => {
      const { stage, client } = await open(kind, { fault, onEnd });
      client.send(views("ana", 7));
      const account = await client.settle();
      expect([account.delivered.length, account.failed]).toEqual([7, []]);
      expect(seenFaults(stage)).toBe(1);
      const ledger = await expectApplied(stage, 7);
      const isTwice = fault.kind === "cutAnswer" || fault.kind === "double";
      expect(ledger.duplicate > 0).toBe(isTwice);
      await expectJourneys(stage, account);
      expect(await viewsOf(stage, "ana")).toBe(7);
    },
  );

  it("counts events once although their answer came too late", async ({
    onTestFinished: onEnd,
  }) => {
    const fault: Fault = { kind: "lateAnswer", ms: 3000 };
    const { stage, client } = await open(kind, { timeoutMs: 1000, fault, onEnd });
    client.send(views("ana", 7));
    const account = await client.settle();
    expect(account.failed.length > 0).toBe(kind.onTimeout === "givesUp");
    expect(account.delivered.length + account.failed.length).toBe(7);
    const ledger = await expectApplied(stage, 7);
    expect(ledger.duplicate > 0).toBe(kind.onTimeout === "retries");
    await expectJourneys(stage, account);
    expect(await viewsOf(stage, "ana")).toBe(7);
  });
});
