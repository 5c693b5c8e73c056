/**
 * Which offsets a reader can already see: reduced, and everything they sent to other keys reduced too (a receipt
 * covers the hops, DESIGN 3, rule 9).
 */
export class Visibility {
  /** Roots of self records under way, in the order they were sent. */
  #hops = new Map<number, number>();
  #waiters: Waiter[] = [];
  #reduced: number;
  readonly #start: number;

  /** Everything before `reduced` was reduced in an earlier life. */
  constructor(reduced: number) {
    this.#reduced = reduced;
    this.#start = reduced;
  }

  sent(root: number): void {
    this.#hops.set(root, (this.#hops.get(root) ?? 0) + 1);
  }

  /** What an earlier life sent was not counted here; it is in the log, so recovery reduces all of it. */
  arrived({ offset, root }: { readonly offset: number; readonly root: number }): void {
    if (offset < this.#start) return;
    const left = (this.#hops.get(root) ?? 0) - 1;
    if (left > 0) this.#hops.set(root, left);
    else this.#hops.delete(root);
  }

  /** Everything before `offset` was reduced. */
  reducedTo(offset: number): void {
    this.#reduced = offset;
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter((waiter) => this.covers(waiter.offset));
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
  }

  get reduced(): number {
    return this.#reduced;
  }

  covers(offset: number): boolean {
    if (offset >= this.#reduced) return false;
    for (const root of this.#hops.keys()) if (root <= offset) return false;
    return true;
  }

  /** Resolves when `offset` is visible; the function it returns gives up waiting. */
  wait(offset: number): { readonly visible: Promise<void>; cancel(): void } {
    let resolve = () => {};
    const visible = new Promise<void>((done) => {
      resolve = done;
    });
    const waiter: Waiter = { offset, resolve };
    this.#waiters.push(waiter);
    return {
      visible,
      cancel: () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      },
    };
  }
}

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
}
