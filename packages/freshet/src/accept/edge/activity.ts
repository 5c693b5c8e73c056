import { hash53 } from "../../core/hash.ts";
import { edgeLimits } from "./limits.ts";

/**
 * Counts what each of any number of keys does in the current second, in fixed memory: two rows of cells, of which a
 * key has one each, and its count is the smaller one (a count-min sketch, Cormode and Muthukrishnan 2005).
 *
 * - A1 never less than the true count; more only where both cells are shared with somebody in the same second.
 * - A2 a cell of an earlier second counts as empty, so that nothing has to be cleared.
 */
export class Activity {
  readonly #seconds: Float64Array;
  readonly #counts: Uint32Array;
  readonly #cells: number;

  constructor(cells: number = edgeLimits.activityCells) {
    this.#cells = cells;
    this.#seconds = new Float64Array(cells * 2);
    this.#counts = new Uint32Array(cells * 2);
  }

  /** Counts one more and returns how many there were in this second. `now` in milliseconds since 1970. */
  add(key: string, now: number): number {
    const second = Math.floor(now / 1000);
    const hash = hash53(key);
    const first = this.#addTo(hash % this.#cells, second);
    // Other bits of the hash, so that who shares one cell does not share the other.
    const other = this.#addTo(this.#cells + (Math.floor(hash / 2 ** 26) % this.#cells), second);
    return Math.min(first, other);
  }

  #addTo(cell: number, second: number): number {
    if (this.#seconds[cell] !== second) {
      this.#seconds[cell] = second;
      this.#counts[cell] = 0;
    }
    const count = (this.#counts[cell] ?? 0) + 1;
    this.#counts[cell] = count;
    return count;
  }
}
