import type { Json } from "@freshet/protocol";
import type { Comparator } from "../expression/type.ts";
import { isNumber } from "./order.ts";
import type { FeatureType } from "./type.ts";

/** What all values so far are worth at `time`, the newest item's; empty is [0, 0]. */
type Score = [time: number, value: number];

/** Below this size, or after this many time constants, a score is 0: doubles get coarse further down. */
const scoreMin = 1e-290;
const ageMax = 650;

/**
 * Sum of value * exp(-ln2 / halfLife * (now - time)). Kept at the newest item's time, so that merging two
 * scores is ageing the older one. Floats: the order of arrival may move the last bits.
 */
export const decayingScore: FeatureType<Score> = {
  name: "decayingScore",
  bound: "two numbers; within 1e-9 of the exact score, relative to the sizes that went in",
  accepts: (item) => isNumber(item.value),
  empty: () => [0, 0],
  add(state, item, { halfLifeMs }) {
    const value = item.value as number;
    if (value === 0) return state;
    if (state[1] === 0) {
      state[0] = item.time;
      state[1] = value;
    } else if (item.time >= state[0]) {
      state[1] = finite(value + aged(state[1], item.time - state[0], halfLifeMs));
      state[0] = item.time;
    } else {
      state[1] = finite(state[1] + aged(value, state[0] - item.time, halfLifeMs));
    }
    return state;
  },
  merge(a, b, { halfLifeMs }) {
    if (a[1] === 0 || b[1] === 0) return a[1] === 0 ? [b[0], b[1]] : [a[0], a[1]];
    const [older, newer] = a[0] <= b[0] ? [a, b] : [b, a];
    return [newer[0], finite(newer[1] + aged(older[1], newer[0] - older[0], halfLifeMs))];
  },
  read: (state, now, { halfLifeMs }) => aged(state[1], now - state[0], halfLifeMs),
  approximate: (state) => Math.abs(state[1]) === Number.MAX_VALUE,
  nextFlip: (state, now, comparator, constant, { halfLifeMs }) =>
    nextFlip(state, now, comparator, constant, halfLifeMs),
};

function aged(value: number, ageMs: number, halfLifeMs: number): number {
  const age = (ageMs * Math.LN2) / halfLifeMs;
  if (value === 0 || age > ageMax) return 0;
  const score = finite(value * Math.exp(-age));
  return Math.abs(score) < scoreMin ? 0 : score;
}

function finite(score: number): number {
  const size = Number.MAX_VALUE;
  return score > size ? size : score < -size ? -size : score + 0;
}

/**
 * A score only moves towards 0, so that it passes a constant at most once: at the age at which the value is
 * down to the constant, or to what counts as 0. Both come from logarithms, whose error is far below the
 * slack that is taken off.
 */
function nextFlip(
  [time, value]: Score,
  now: number,
  comparator: Comparator,
  constant: Json,
  halfLifeMs: number,
): number | null {
  const score = aged(value, now - time, halfLifeMs);
  if (score === 0 || !isNumber(constant)) return null;
  const size = Math.abs(score);
  const goal = value < 0 ? -constant : constant;
  if (goal < 0 || goal > size) return null;
  // Equal now: gte and lte, gt and lt differ in whether that is still to be left.
  if (goal === size) return leavesEqual(comparator, value > 0) ? now + 1 : null;
  const log = Math.log(Math.abs(value));
  const age = Math.min(ageMax, log - Math.log(Math.max(goal, scoreMin)));
  const slackMs = 1 + halfLifeMs * 1e-9;
  return Math.max(now + 1, Math.floor(time + (age * halfLifeMs) / Math.LN2 - slackMs));
}

/** Whether the answer for "equal" differs from the one for what comes after it. */
function leavesEqual(comparator: Comparator, falls: boolean): boolean {
  switch (comparator) {
    case "eq":
    case "ne":
      return true;
    case "gte":
    case "lt":
      return falls;
    case "gt":
    case "lte":
      return !falls;
  }
}
