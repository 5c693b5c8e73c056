import { expect, it } from "vitest";
import { Visibility } from "../../src/engine/visibility.ts";

it("covers what was reduced, once everything that it sent has arrived", () => {
  const visibility = new Visibility(0);
  visibility.sent(0);
  visibility.sent(0);
  visibility.reducedTo(5);
  expect(visibility.covers(0)).toBe(false);
  visibility.arrived({ offset: 0, root: 0 });
  expect(visibility.covers(0)).toBe(false);
  visibility.arrived({ offset: 0, root: 0 });
  expect(visibility.covers(4)).toBe(true);
  expect(visibility.covers(5)).toBe(false);
});

it("does not take what an earlier life sent for what this one waits for", () => {
  const visibility = new Visibility(10);
  // Two records of an earlier life arrive; what the first one sends on is under way when the second arrives.
  visibility.arrived({ offset: 8, root: 8 });
  visibility.sent(8);
  visibility.arrived({ offset: 8, root: 8 });
  visibility.reducedTo(20);
  expect(visibility.covers(8)).toBe(false);
  visibility.arrived({ offset: 12, root: 8 });
  expect(visibility.covers(8)).toBe(true);
});
