import { expect, it } from "vitest";
import { TimerHeap } from "../../src/engine/heap.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";

it("gives keys by time, and keys of equal times by their text", () =>
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const heap = new TimerHeap();
    const expected: [number, string][] = [];
    for (let index = 0; index < 2000; index++) {
      const entry: [number, string] = [random.below(50), `k${random.below(200)}`];
      expected.push(entry);
      heap.push(...entry);
    }
    expected.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
    for (const [time, key] of expected) {
      expect(heap.peek()).toBe(time);
      expect(heap.pop()).toBe(key);
    }
    expect(heap.pop()).toBeNull();
    expect(heap.peek()).toBeNull();
  }));
