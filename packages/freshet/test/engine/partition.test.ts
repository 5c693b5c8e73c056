import { expect, it } from "vitest";
import type { SelfOrigin } from "../../src/core/record.ts";
import { Partition } from "../../src/engine/partition.ts";

const from = (partition: number, offset: number, ordinal = 0, epoch = 1): SelfOrigin => ({
  partition,
  offset,
  ordinal,
  epoch,
  awaited: true,
  root: offset,
});

it("keeps the highest time that it has seen", () => {
  const partition = new Partition(0);
  expect([5, 9, 7, 12].map((at) => partition.advance(at))).toEqual([5, 9, 9, 12]);
});

it("lets each record of another key in once, by source, epoch and place", () => {
  const partition = new Partition(0);
  expect(partition.admit(from(1, 10))).toBe(true);
  expect(partition.admit(from(1, 10))).toBe(false);
  expect(partition.admit(from(1, 10, 1))).toBe(true);
  expect(partition.admit(from(1, 10, 0))).toBe(false);
  expect(partition.admit(from(1, 9, 5))).toBe(false);
  expect(partition.admit(from(2, 3))).toBe(true);
  expect(partition.admit(from(1, 2, 0, 2))).toBe(true);
});

it("comes back from a checkpoint with its clock and its marks", () => {
  const partition = new Partition(3);
  partition.advance(77);
  partition.admit(from(1, 10, 2));
  const restored = Partition.restore(3, JSON.parse(JSON.stringify(partition.snapshot())));
  expect(restored.clock).toBe(77);
  expect(restored.admit(from(1, 10, 2))).toBe(false);
  expect(restored.admit(from(1, 10, 3))).toBe(true);
});
