/** What became of the events and requests of a source at the edge. */
export type EdgeOutcome =
  /** Events marked as those of a bot. */
  | "bot"
  /** Events refused because a bot sent them. */
  | "botRefused"
  /** Events marked as suspicious. */
  | "suspicious"
  /** Events refused because the purpose that they need has no consent. */
  | "consentMissing"
  /** Events refused for a user id without a valid identity token. */
  | "identityRefused"
  /** Events whose user id was taken away for the same reason. */
  | "identityRemoved"
  /** Requests refused for coming too fast; their events may not have been read. */
  | "rateLimited"
  /** Requests refused for their origin. */
  | "originRefused";

/** Counts of one source since the process began; read when metrics are asked for. */
export class EdgeCounts {
  readonly #counts = new Map<EdgeOutcome, number>();

  add(outcome: EdgeOutcome, count: number): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + count);
  }

  entries(): Iterable<[EdgeOutcome, number]> {
    return this.#counts.entries();
  }
}
