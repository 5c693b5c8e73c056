import { describe, expect, it } from "vitest";
import { openMemoryLog, openMemoryLogReader } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { eventRecord, eventRecords } from "../../src/testing/contract/records.ts";
import { randomOf } from "../../src/testing/random.ts";

/** Time that moves only when it is told to. */
function virtualClock() {
  let now = 0;
  const timers: { at: number; callback: () => void }[] = [];
  return {
    after(delayMs: number, callback: () => void) {
      const timer = { at: now + delayMs, callback };
      timers.push(timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
    async run(untilMs: number) {
      for (;;) {
        timers.sort((a, b) => a.at - b.at);
        const timer = timers[0];
        if (timer === undefined || timer.at > untilMs) break;
        timers.shift();
        now = timer.at;
        timer.callback();
        for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      }
      now = untilMs;
    },
  };
}

async function simulate(seed: number): Promise<string> {
  const clock = virtualClock();
  const random = randomOf(seed);
  const faults = { delayMsMin: 1, delayMsMax: 9, failureShare: 0.2 };
  const disk = new MemoryDisk({ clock, random: () => random.next(), faults });
  const story: string[] = [disk.logId];
  let log = await openMemoryLog(disk);
  for (let round = 1; round <= 40; round += 1) {
    const tell = (what: string) => () => story.push(`${round} ${what} ${log.next}`);
    log.append(eventRecords(round, 1 + random.below(3))).then(tell("kept"), tell("failed"));
    if (random.chance(0.1)) {
      disk.crash();
      log = await openMemoryLog(disk);
    }
    await clock.run(round * 4);
  }
  return story.join("; ");
}

describe("memory disk", () => {
  it("M3 runs the same for the same seed, and differently for another", async () => {
    const first = await simulate(1);
    expect(first).toContain("kept");
    expect(first).toContain("failed");
    expect(await simulate(1)).toBe(first);
    expect(await simulate(2)).not.toBe(first);
  });

  it("M2 G5 drops a batch that the crash tore, and gives its offsets again", async () => {
    const clock = virtualClock();
    const faults = { survivalShare: 0, tornShare: 1, delayMsMin: 10, delayMsMax: 10 };
    const disk = new MemoryDisk({ clock, faults });
    const log = await openMemoryLog(disk);
    void log.append(eventRecords(0, 2));
    await clock.run(20);
    void log.append(eventRecords(2, 2));
    await clock.run(35);
    disk.crash();
    expect(disk.batches.get(2)?.length).toBeGreaterThan(10);
    const again = await openMemoryLog(disk);
    expect([again.next, disk.batches.size]).toEqual([2, 1]);
    const appended = again.append([eventRecord(9)]);
    await clock.run(60);
    expect(await appended).toEqual({ firstOffset: 2, lastOffset: 2 });
    expect(openMemoryLogReader(disk).get(2)).toEqual(eventRecord(9));
  });

  it("M2 leaves what was opened before a crash dead: nothing is written, nothing settles", async () => {
    const disk = new MemoryDisk();
    const log = await openMemoryLog(disk);
    const state = await openMemoryState(disk);
    disk.crash();
    let settled = 0;
    const count = () => (settled += 1);
    log.append([eventRecord(0)]).then(count, count);
    state.commit([{ table: "meta", key: "a", value: new Uint8Array(1) }]).then(count, count);
    const again = await openMemoryLog(disk);
    const stateAgain = await openMemoryState(disk);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect([settled, again.next, stateAgain.count("meta")]).toEqual([0, 0, 0]);
  });
});
