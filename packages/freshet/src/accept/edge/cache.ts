/**
 * Remembers at most twice `countMax` entries: when the young ones are that many they become the old ones, and the old
 * ones go. An entry that is asked for is young again, so that what is in use stays, without a list to keep in order.
 */
export class BoundedCache<Key, Value> {
  readonly #countMax: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#countMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
