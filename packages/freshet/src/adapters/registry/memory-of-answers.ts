/** Answers that never change, the last used ones; two that ask at once share one question. */
export class Memory<Key, Value> {
  readonly #known = new Map<Key, Value>();
  readonly #asked = new Map<Key, Promise<Value>>();
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  put(key: Key, value: Value): void {
    this.#known.delete(key);
    this.#known.set(key, value);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#sizeMax) break;
      this.#known.delete(oldest);
    }
  }

  /** Failures are not remembered. */
  async get(key: Key, ask: () => Promise<Value>): Promise<Value> {
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.put(key, known);
      return known;
    }
    const running = this.#asked.get(key);
    if (running !== undefined) return running;
    const question = ask()
      .then((value) => {
        this.put(key, value);
        return value;
      })
      .finally(() => this.#asked.delete(key));
    this.#asked.set(key, question);
    return question;
  }
}
