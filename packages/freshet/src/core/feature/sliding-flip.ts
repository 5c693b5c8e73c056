import type { Json } from "@freshet/protocol";
import type { Comparator } from "../expression/type.ts";
import { earlier } from "../window.ts";
import { isNumber } from "./order.ts";
import { indexOf, isWhole, type Tile } from "./tile.ts";
import { lastMoment, type Sliding, stateAt } from "./tiles.ts";
import type { FeatureState } from "./type.ts";

/** What is in the window now, in the order in which it leaves, each with the first moment without it. */
interface Exits {
  readonly times: number[];
  readonly states: FeatureState[];
}

/**
 * When the answer may change without a new item. For numbers that only change as items leave, what is left
 * after each of them is known beforehand, so that the time is exact. For everything else it is the next time
 * that an item leaves, or comes in where one lies after `now`, or that the type itself names.
 */
export function nextFlip(
  window: Sliding,
  tiles: Tile[],
  now: number,
  comparator: Comparator,
  constant: Json,
): number | null {
  const { type, options } = window;
  const exits = exitsAfter(window, tiles, now);
  const entry = entryAfter(window, tiles, now);
  const next = earlier(exits.times[0] ?? null, entry);
  if (next === null) return null;
  const read = (state: FeatureState) => type.read(state, now, options);
  const whole = () => stateAt(window, tiles, now) ?? type.empty(options);
  if (type.nextFlip !== undefined) {
    return earlier(next, type.nextFlip(whole(), now, comparator, constant, options));
  }
  // One item tells a list or a text, which are not worth the merging that an exact answer takes.
  if (entry !== null || !isNumber(constant) || !isNumeric(read(exits.states[0]))) return next;
  const value = read(whole());
  if (!isNumeric(value)) return next;
  return flipAmong(window, exits, comparator, constant, answer(value, comparator, constant));
}

/** Null is what numbers read as while there are none. */
function isNumeric(value: Json): boolean {
  return value === null || isNumber(value);
}

function exitsAfter(window: Sliding, tiles: Tile[], now: number): Exits {
  const times: number[] = [];
  const states: FeatureState[] = [];
  const from = now - window.ms;
  for (const tile of tiles) {
    const start = indexOf(tile) * window.length;
    if (isWhole(tile)) {
      const end = lastMoment(window, indexOf(tile));
      if (start > now || end <= from) continue;
      times.push(end + window.ms);
      states.push(tile[1]);
      continue;
    }
    for (let i = 1; i < tile.length; i += 2) {
      const time = start + (tile[i] as number);
      if (time <= from || time > now) continue;
      times.push(time + window.ms);
      states.push(window.units.stateOf(tile[i + 1]));
    }
  }
  return { times, states };
}

function entryAfter(window: Sliding, tiles: Tile[], now: number): number | null {
  for (const tile of tiles) {
    const start = indexOf(tile) * window.length;
    if (isWhole(tile)) {
      if (start > now) return start;
      continue;
    }
    for (let i = 1; i < tile.length; i += 2) {
      const time = start + (tile[i] as number);
      if (time > now) return time;
    }
  }
  return null;
}

/** Goes from the newest item back, so that what is left after each exit takes one merge. */
function flipAmong(
  { type, options }: Sliding,
  { times, states }: Exits,
  comparator: Comparator,
  constant: number,
  answerNow: Answer,
): number | null {
  let left = type.empty(options);
  let flip: number | null = null;
  for (let i = times.length - 1; i >= 0; i--) {
    // Items that leave at one time leave together: what is left in between is never seen.
    if (times[i] !== times[i + 1]) {
      const value = type.read(left, times[i] as number, options);
      if (answer(value, comparator, constant) !== answerNow) flip = times[i] as number;
    }
    left = type.merge(states[i], left, options);
  }
  return flip;
}

/** "none" where there is nothing to compare: whatever that counts as, coming to or from it is a change. */
type Answer = boolean | "none";

function answer(value: Json, comparator: Comparator, constant: number): Answer {
  if (!isNumber(value)) return "none";
  switch (comparator) {
    case "eq":
      return value === constant;
    case "ne":
      return value !== constant;
    case "lt":
      return value < constant;
    case "lte":
      return value <= constant;
    case "gt":
      return value > constant;
    case "gte":
      return value >= constant;
  }
}
