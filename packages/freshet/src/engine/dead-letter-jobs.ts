import type { LetterJobEnd, LetterJobPlan } from "../core/letter.ts";

/** A run over letters, as far as the log has it. */
export interface LetterJob extends LetterJobPlan {
  readonly startedAt: number;
  readonly status: "running" | LetterJobEnd["outcome"];
  readonly endedAt?: number;
  /** What the reducer made of what the run wrote; part of the checkpoint, so it is exact across restarts. */
  readonly applied: number;
  readonly duplicate: number;
  /** A plan's function threw: the letter waits as before. */
  readonly failed: number;
  readonly discarded: number;
  readonly restored: number;
  /** Known when it has ended; until then the runner knows how far it is. */
  readonly matched?: number;
  readonly refused?: LetterJobEnd["refused"];
  readonly message?: string;
}

export type LetterTally = "applied" | "duplicate" | "failed" | "discarded" | "restored";

/** Runs that are remembered; the oldest that have ended are forgotten. */
export const letterJobsMax = 100;

/** The book of runs. Everything in it comes from the log, so a run that a crash cut off is found and goes on. */
export class LetterJobs {
  readonly #jobs = new Map<string, LetterJob>();
  #changed = new Set<string>();

  start(plan: LetterJobPlan, at: number): void {
    if (this.#jobs.has(plan.id)) return;
    const none = { applied: 0, duplicate: 0, failed: 0, discarded: 0, restored: 0 };
    this.#put({ ...plan, startedAt: at, status: "running", ...none });
    this.#forgetOldest();
  }

  end({ id, outcome, ...end }: LetterJobEnd, at: number): void {
    const job = this.#jobs.get(id);
    if (job?.status === "running") this.#put({ ...job, ...end, status: outcome, endedAt: at });
  }

  tally(id: string | undefined, what: LetterTally, by = 1): void {
    const job = id === undefined ? undefined : this.#jobs.get(id);
    if (job !== undefined) this.#put({ ...job, [what]: job[what] + by });
  }

  get(id: string): LetterJob | null {
    return this.#jobs.get(id) ?? null;
  }

  /** Newest first. */
  list(): LetterJob[] {
    return [...this.#jobs.values()].sort(
      (a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1),
    );
  }

  /** Oldest first: in the order in which they go on. */
  running(): LetterJob[] {
    return this.list()
      .filter(({ status }) => status === "running")
      .reverse();
  }

  restore(job: LetterJob): void {
    this.#jobs.set(job.id, job);
  }

  /** What changed since the last call; null for a run that was forgotten. */
  takeChanges(): (readonly [id: string, job: LetterJob | null])[] {
    const changes = [...this.#changed].map((id) => [id, this.get(id)] as const);
    this.#changed = new Set();
    return changes;
  }

  putBack(ids: Iterable<string>): void {
    for (const id of ids) this.#changed.add(id);
  }

  #put(job: LetterJob): void {
    this.#jobs.set(job.id, job);
    this.#changed.add(job.id);
  }

  #forgetOldest(): void {
    const ended = this.list().filter(({ status }) => status !== "running");
    while (this.#jobs.size > letterJobsMax) {
      const oldest = ended.pop();
      if (oldest === undefined) return;
      this.#jobs.delete(oldest.id);
      this.#changed.add(oldest.id);
    }
  }
}
