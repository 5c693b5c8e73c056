import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogRecord } from "../../core/record.ts";
import type { AppendReceipt, CommittedBatch, Log } from "../../engine/port/log.ts";
import { randomOf } from "../random.ts";
import { seedOfRun } from "../seed.ts";
import { eventRecord, eventRecords, recordOfEachKind } from "./records.ts";

/**
 * One place where a log can live, empty at first. What an adapter cannot do in a test is left out.
 */
export interface LogPlace {
  open(): Promise<Log>;
  /** The process dies; the log that was open is used no more. */
  crash?(): void;
  /** Writes fail, or work again. */
  fail?(isFailing: boolean): void;
  remove(): Promise<void>;
}

/** The guarantees G1 to G6 of `engine/port/log.ts`, for any adapter. */
export function logContract(name: string, makePlace: () => Promise<LogPlace>): void {
  describe(`log contract: ${name}`, () => {
    let place: LogPlace;
    let log: Log;
    beforeEach(async () => {
      place = await makePlace();
      log = await place.open();
    });
    afterEach(async () => {
      await log.close();
      await place.remove();
    });
    const reopen = async (): Promise<Log> => {
      await log.close();
      log = await place.open();
      return log;
    };

    it("begins empty", () => {
      expect([log.first, log.next, log.counted, log.bytes]).toEqual([0, 0, 0, 0]);
      expect([...log.read(0)]).toEqual([]);
      expect(log.get(0)).toBeUndefined();
    });

    it("gives back every kind of record as it was appended", async () => {
      await log.append(recordOfEachKind);
      expect(recordsOf(log)).toEqual(recordOfEachKind);
      await reopen();
      expect(recordsOf(log)).toEqual(recordOfEachKind);
      expect(recordOfEachKind.map((_, offset) => log.get(offset))).toEqual(recordOfEachKind);
      expect(log.counted).toBe(2);
    });

    it("keeps its id, end and size when it is opened again", async () => {
      for (let round = 0; round < 3; round += 1) await log.append(eventRecords(round, 2));
      const before = [log.id, log.first, log.next, log.counted, log.bytes];
      expect(before.slice(1, 4)).toEqual([0, 6, 6]);
      expect(log.id.length).toBeGreaterThan(3);
      await reopen();
      expect([log.id, log.first, log.next, log.counted, log.bytes]).toEqual(before);
    });

    it("G1 has the records readable once append resolves, and says where", async () => {
      const receipt = await log.append(eventRecords(0, 3));
      expect(receipt).toEqual({ firstOffset: 0, lastOffset: 2 });
      expect(log.get(2)).toEqual(eventRecord(2));
      expect(log.get(3)).toBeUndefined();
    });

    it("G1 refuses an append without records, or with what JSON cannot say, as a whole", async () => {
      await expect(log.append([])).rejects.toThrow(RangeError);
      const bad = { ...eventRecord(1), event: { bigint: 1n } } as unknown as LogRecord;
      await expect(log.append([eventRecord(0), bad])).rejects.toThrow(TypeError);
      await log.append([eventRecord(7)]);
      expect(recordsOf(log)).toEqual([eventRecord(7)]);
    });

    it("G2 gives offsets in the order of the calls, without gaps", async () => {
      const sizes = [3, 1, 4, 1, 5, 9, 2, 6];
      const receipts = await Promise.all(sizes.map((size) => log.append(eventRecords(0, size))));
      expect(receipts).toEqual(receiptsOf(sizes, 0));
      expect(log.next).toBe(31);
    });

    it("G3 commits what waits together as one batch", async () => {
      const batches = listen(log);
      await Promise.all(Array.from({ length: 100 }, (_, i) => log.append([eventRecord(i)])));
      expect(batches.length).toBeLessThanOrEqual(2);
      expect(batches.flatMap((batch) => batch.records)).toEqual(eventRecords(0, 100));
    });

    it("G4 tells the listener each batch once, in order, before its append resolves", async () => {
      const heard = listen(log);
      const heardAtResolve: number[] = [];
      const append = async (from: number) => {
        const { lastOffset } = await log.append(eventRecords(from, 2));
        heardAtResolve.push(endOf(heard) - lastOffset);
      };
      for (let round = 0; round < 20; round += 1) {
        await Promise.all([append(round), append(round), append(round)]);
      }
      expect(Math.min(...heardAtResolve)).toBeGreaterThan(0);
      let next = 0;
      for (const batch of heard) {
        expect(batch.firstOffset).toBe(next);
        next += batch.records.length;
      }
      expect(next).toBe(120);
    });

    it("G4 takes one listener only", () => {
      log.onCommitted(() => {});
      expect(() => log.onCommitted(() => {})).toThrow("listener");
    });

    it("G6 lets nobody else open it, until it is closed", async () => {
      await expect(place.open()).rejects.toMatchObject({ code: "logLocked", retryable: true });
      await log.append([eventRecord(0)]);
      await reopen();
      expect(log.next).toBe(1);
    });

    it("reads from the batch that holds an offset, up to the end of now", async () => {
      for (let from = 0; from < 12; from += 4) await log.append(eventRecords(from, 4));
      expect([...log.read(5)].map((batch) => batch.firstOffset)).toEqual([4, 8]);
      expect([...log.read(8)].map((batch) => batch.firstOffset)).toEqual([8]);
      expect([...log.read(12)]).toEqual([]);
      expect([...log.read(99)]).toEqual([]);
    });

    it("trims whole batches before an offset, never the one that holds it", async () => {
      for (let from = 0; from < 12; from += 4) await log.append(eventRecords(from, 4));
      const { bytes } = log;
      await log.trim(7);
      expect(log.first).toBe(4);
      expect(log.bytes).toBeLessThan(bytes);
      expect(log.get(3)).toBeUndefined();
      expect(log.get(4)).toEqual(eventRecord(4));
      expect(() => [...log.read(3)]).toThrow(expect.objectContaining({ code: "logTrimmed" }));
      await reopen();
      expect([log.first, log.next, log.counted]).toEqual([4, 12, 12]);
      expect(recordsOf(log)).toEqual(eventRecords(4, 8));
    });

    it("keeps its end when everything is trimmed and it is opened again", async () => {
      for (let from = 0; from < 600; from += 1) await log.append([eventRecord(from)]);
      await Promise.all([log.trim(log.next), log.append(eventRecords(600, 2))]);
      await log.trim(log.next);
      expect(log.next).toBe(602);
      await reopen();
      expect([log.next, log.counted]).toEqual([602, 602]);
      expect((await log.append([eventRecord(602)])).firstOffset).toBe(602);
    });

    it("refuses appends once it is closed, after writing those that were there", async () => {
      const last = log.append([eventRecord(0)]);
      const closed = log.close();
      await expect(log.append([eventRecord(1)])).rejects.toMatchObject({ code: "logWrite" });
      expect(await last).toEqual({ firstOffset: 0, lastOffset: 0 });
      await closed;
      log = await place.open();
      expect(recordsOf(log)).toEqual([eventRecord(0)]);
    });

    it("takes many small appends and a large one among them", async () => {
      const large = "x".repeat(5_000_000);
      const sizes = Array.from({ length: 2000 }, (_, index) => 1 + (index % 3));
      const appends = sizes.map((size) => log.append(eventRecords(0, size)));
      const middle = log.append([eventRecord(0, large)]);
      const after = log.append([eventRecord(1)]);
      expect(await Promise.all(appends)).toEqual(receiptsOf(sizes, 0));
      const { firstOffset } = await middle;
      expect(log.get(firstOffset)).toEqual(eventRecord(0, large));
      expect((await after).firstOffset).toBe(firstOffset + 1);
    });

    it("G1 G2 keeps nothing of an append that failed, and works on without a gap", async (test) => {
      if (place.fail === undefined) return test.skip();
      const heard = listen(log);
      await log.append(eventRecords(0, 2));
      place.fail(true);
      const failed = [log.append(eventRecords(100, 2)), log.append(eventRecords(200, 1))];
      for (const result of await Promise.allSettled(failed)) {
        expect(result).toMatchObject({ reason: { code: "logWrite", retryable: true } });
      }
      expect([log.next, log.counted]).toEqual([2, 2]);
      place.fail(false);
      expect((await log.append(eventRecords(2, 2))).firstOffset).toBe(2);
      expect(heard.flatMap((batch) => batch.records)).toEqual(eventRecords(0, 4));
      await reopen();
      expect(recordsOf(log)).toEqual(eventRecords(0, 4));
    });

    it("G5 holds a prefix with every resolved append after a crash", async (test) => {
      if (place.crash === undefined) return test.skip();
      const seed = seedOfRun();
      const random = randomOf(seed);
      for (let round = 0; round < 30; round += 1) {
        const resolved = await appendUntilCrash(log, random, () => place.crash?.());
        log = await place.open();
        const kept = recordsOf(log).map(numberOf);
        const hint = `replay: FRESHET_SEED=${seed} npx vitest run packages/freshet/test/adapters`;
        expect(kept, hint).toEqual(kept.map((_, index) => index));
        expect(kept.length, hint).toBeGreaterThanOrEqual(resolved);
        expect(log.next, hint).toBe(kept.length);
      }
    });
  });
}

/** Appends numbered records and crashes in the middle; the number of those that resolved. */
async function appendUntilCrash(
  log: Log,
  random: ReturnType<typeof randomOf>,
  crash: () => void,
): Promise<number> {
  let resolved = log.next;
  let next = log.next;
  const appendsBeforeCrash = random.below(6);
  for (let append = 0; append < appendsBeforeCrash; append += 1) {
    const size = 1 + random.below(4);
    const done = log.append(eventRecords(next, size));
    next += size;
    void done.then(({ lastOffset }) => {
      resolved = Math.max(resolved, lastOffset + 1);
    });
    if (random.chance(0.5)) await done;
  }
  const turns = random.below(3);
  for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
  crash();
  return resolved;
}

function recordsOf(log: Log): LogRecord[] {
  return [...log.read(log.first)].flatMap((batch) => batch.records);
}

function numberOf(record: LogRecord): unknown {
  return record.kind === "event" ? record.event.properties.number : undefined;
}

function listen(log: Log): CommittedBatch[] {
  const heard: CommittedBatch[] = [];
  log.onCommitted((batch) => heard.push(batch));
  return heard;
}

function endOf(batches: readonly CommittedBatch[]): number {
  const last = batches.at(-1);
  return last === undefined ? 0 : last.firstOffset + last.records.length;
}

function receiptsOf(sizes: readonly number[], firstOffset: number): AppendReceipt[] {
  let next = firstOffset;
  return sizes.map((size) => {
    next += size;
    return { firstOffset: next - size, lastOffset: next - 1 };
  });
}
