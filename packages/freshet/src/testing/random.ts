/**
 * A seeded source of random numbers (splitmix32, after Sebastiano Vigna's SplitMix64): the same
 * seed gives the same run on every machine. Not for secrets.
 */
export interface Random {
  /** A double, 0 (included) to 1 (excluded). */
  next(): number;
  /** A whole number, 0 (included) to `end` (excluded). */
  below(end: number): number;
  pick<T>(items: readonly T[]): T;
  /** True with this probability. */
  chance(share: number): boolean;
  /** An independent source: what it is used for does not shift the numbers of this one. */
  fork(): Random;
}

export function randomOf(seed: number): Random {
  let state = seed | 0;
  const nextWord = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let word = state ^ (state >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
  const next = (): number => nextWord() / 2 ** 32;
  const below = (end: number): number => Math.floor(next() * end);
  return {
    next,
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error("there is nothing to pick from");
      return item;
    },
    chance: (share) => next() < share,
    fork: () => randomOf(nextWord()),
  };
}
