import { hashHex } from "../core/hash.ts";
import type { LetterStateName, StoredDeadLetter } from "./dead-letter.ts";

/** Letters that are alike: what an operator looks at first. */
export interface LetterKind {
  readonly code: string;
  readonly source: string;
  /** Name of the event; empty where none could be read. */
  readonly name: string;
  readonly waiting: number;
  readonly sent: number;
  readonly discarded: number;
}

/**
 * Kinds told apart. Names come from clients, so there must be an end: past it what is new is counted under
 * `otherKinds` by source, and past twice that by code alone, of which there are few.
 */
export const letterKindsMax = 500;
export const otherKinds = "(other)";

/** How many letters are in which state, by code, source and name; kept with every change, never counted again. */
export class LetterKinds {
  readonly #kinds = new Map<string, LetterKind>();
  #changed = new Set<string>();

  /** Key under which a letter is counted from now on. */
  keyOf({ code, source, name = "" }: Pick<StoredDeadLetter, "code" | "source" | "name">): string {
    const rows: readonly (readonly [source: string, name: string, max: number])[] = [
      [source, name, letterKindsMax],
      [source, otherKinds, 2 * letterKindsMax],
      [otherKinds, otherKinds, Number.POSITIVE_INFINITY],
    ];
    for (const [of, named, max] of rows) {
      const key = hashHex(JSON.stringify([code, of, named]));
      if (this.#kinds.has(key)) return key;
      if (this.#kinds.size >= max) continue;
      this.#kinds.set(key, { code, source: of, name: named, waiting: 0, sent: 0, discarded: 0 });
      return key;
    }
    throw new Error("a kind has a row of its own at last");
  }

  add(key: string, state: LetterStateName, by: 1 | -1): void {
    const kind = this.#kinds.get(key);
    // A folder whose letters are older than their counts, or damaged: a count that is off must not stop it.
    if (kind === undefined) return;
    const next = { ...kind, [state]: Math.max(0, kind[state] + by) };
    this.#kinds.set(key, next);
    this.#changed.add(key);
  }

  restore(key: string, kind: LetterKind): void {
    this.#kinds.set(key, kind);
  }

  /** What changed since the last call; null for a kind without letters, which is forgotten. */
  takeChanges(): (readonly [key: string, kind: LetterKind | null])[] {
    const changes = [...this.#changed].map((key) => {
      const kind = this.#kinds.get(key);
      const isEmpty = kind === undefined || kind.waiting + kind.sent + kind.discarded === 0;
      if (isEmpty) this.#kinds.delete(key);
      return [key, isEmpty ? null : kind] as const;
    });
    this.#changed = new Set();
    return changes;
  }

  /** The next call of `takeChanges` has these too. */
  putBack(keys: Iterable<string>): void {
    for (const key of keys) this.#changed.add(key);
  }

  count(state: LetterStateName): number {
    let count = 0;
    for (const kind of this.#kinds.values()) count += kind[state];
    return count;
  }

  /** Those with the most that wait first. */
  list(): LetterKind[] {
    return [...this.#kinds.values()]
      .filter(({ waiting, sent, discarded }) => waiting + sent + discarded > 0)
      .sort((a, b) => b.waiting - a.waiting || (textOf(a) < textOf(b) ? -1 : 1));
  }
}

const textOf = ({ code, source, name }: LetterKind) => `${code}\n${source}\n${name}`;
