/** The machine's time, as a port: simulation drives it by seed. Nothing below `engine` sees it. */
export interface Clock {
  /** Milliseconds since 1970, whole. */
  now(): number;
  /** Calls back once, about `delayMs` later; returns a function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Lets the process breathe between slices of work. */
  yield(): Promise<void>;
}
