import type { Json } from "@freshet/protocol";
import type { Comparator } from "../expression/type.ts";
import type { ScalarValue } from "./order.ts";

/**
 * State of one feature: plain data under the strict codec (DESIGN 3, rule 7): numbers that are finite and
 * not -0, texts, booleans, null, arrays, and no object reached twice. Types keep theirs as arrays, which
 * encode small. Null stands for "empty" everywhere, so that a profile does not pay for what it never did.
 */
export type FeatureState = unknown;

/** What one event means to one feature, after selection and evaluation of the value expression. */
export interface FeatureItem {
  /** Event time in milliseconds. */
  readonly time: number;
  /** Message id: breaks ties of the event order (time, id). */
  readonly id: string;
  /** What the value expression gave; count has 1. Never undefined. */
  readonly value: Json;
  /** Which selection matched: 0, or 1 for the second input of a ratio. */
  readonly input: number;
}

export interface FeatureOptions {
  /** Sums, means and ratios keep integers: value * scale, rounded half away from zero. 100 = cents. */
  readonly scale: number;
  /** first, last: how many distinct values to keep. topK: how many to read. */
  readonly n: number;
  /** decayingScore: time in which a contribution halves, in milliseconds. */
  readonly halfLifeMs: number;
  /** topK: how many keys are counted before the rarest are dropped; 256 where it is not said. */
  readonly keysMax?: number;
}

/**
 * A feature type folds items into a state. The laws of DESIGN 4 hold for each row of the table in `index.ts`.
 *
 * - F1 `add` may change `state` in place and returns it; the caller gives the state up.
 * - F2 `merge` changes neither argument and its result shares no array with them.
 * - F3 `read` changes nothing. It returns plain JSON; "nothing yet" is the type's natural zero or null.
 * - F4 the state is bounded; past the bound `approximate` is true and results stay deterministic in log order.
 */
export interface FeatureType<State = FeatureState> {
  readonly name: string;
  /** For people and docs: what bounds the state and what the error past it is. */
  readonly bound: string;
  /** False for items that the type cannot use; they are left out before `add`. Absent: it takes each. */
  accepts?(item: FeatureItem, options: FeatureOptions): boolean;
  /** The first item's state is add(empty(), item). */
  empty(options: FeatureOptions): State;
  add(state: State, item: FeatureItem, options: FeatureOptions): State;
  merge(a: State, b: State, options: FeatureOptions): State;
  /**
   * An item as one scalar, where it takes no more: tiles keep that instead of the state it alone gives, which is an
   * array or three. `unit.add(state, unit.of(item))` is `add(state, item)`, and so changes the state in place too.
   */
  readonly unit?: {
    of(item: FeatureItem, options: FeatureOptions): ScalarValue;
    add(state: State, unit: ScalarValue, options: FeatureOptions): State;
  };
  /** `now` in milliseconds; only types that decay look at it. */
  read(state: State, now: number, options: FeatureOptions): Json;
  approximate(state: State, options: FeatureOptions): boolean;
  /**
   * Earliest time strictly after `now` at which `read(state, t) <comparator> constant` may differ from its
   * answer at `now` without a new item; null where time alone changes nothing. A lower bound is right,
   * a late answer is a bug (L4).
   */
  nextFlip?(
    state: State,
    now: number,
    comparator: Comparator,
    constant: Json,
    options: FeatureOptions,
  ): number | null;
}

/** Where in time a feature looks. Sliding windows cover (now - ms, now]. */
export type FeatureWindow =
  | { readonly kind: "lifetime" }
  | { readonly kind: "sliding"; readonly ms: number }
  | { readonly kind: "session" };
