/** A binary heap of (time, key), least first: by time, then by key, so that equal times have one order. */
export class TimerHeap {
  #times: number[] = [];
  #keys: string[] = [];

  get size(): number {
    return this.#times.length;
  }

  /** Least time, or null when empty. */
  peek(): number | null {
    return this.#times[0] ?? null;
  }

  push(time: number, key: string): void {
    this.#times.push(time);
    this.#keys.push(key);
    let child = this.#times.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  pop(): string | null {
    const top = this.#keys[0];
    if (top === undefined) return null;
    const [time, key] = [this.#times.pop() as number, this.#keys.pop() as string];
    if (this.#times.length > 0) {
      this.#times[0] = time;
      this.#keys[0] = key;
      this.#sink();
    }
    return top;
  }

  #sink(): void {
    let parent = 0;
    for (;;) {
      const left = parent * 2 + 1;
      if (left >= this.#times.length) return;
      const least = left + 1 < this.#times.length && this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(least, parent)) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [timeA, timeB] = [this.#times[a] as number, this.#times[b] as number];
    return (
      timeA < timeB || (timeA === timeB && (this.#keys[a] as string) < (this.#keys[b] as string))
    );
  }

  #swap(a: number, b: number): void {
    const [time, key] = [this.#times[a] as number, this.#keys[a] as string];
    this.#times[a] = this.#times[b] as number;
    this.#keys[a] = this.#keys[b] as string;
    this.#times[b] = time;
    this.#keys[b] = key;
  }
}
