import { FreshetError } from "@freshet/protocol";
import { applyChanges, type ResendOutcome, resend } from "../../accept/index.ts";
import type { LetterAction, LetterJobEnd, LetterJobPlan } from "../../core/letter.ts";
import type { EventRecord, LogRecord } from "../../core/record.ts";
import type { StoredDeadLetter } from "../../engine/dead-letter.ts";
import type { LetterJob } from "../../engine/dead-letter-jobs.ts";
import type { Engine } from "../../engine/engine.ts";
import { partitionOf } from "../../engine/partition.ts";
import type { Clock } from "../../engine/port/clock.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { AcceptState } from "../accept-state.ts";
import type { Gate } from "../gate.ts";
import type { Schemas } from "../schemas.ts";
import { matcherOf } from "./filter.ts";
import { contextFor } from "./schemas.ts";
import { jobView, type LetterJobView, type LetterProgress } from "./view.ts";

export interface LetterRunnerOptions {
  readonly engine: Engine;
  readonly acceptState: AcceptState;
  readonly schemas: Schemas;
  readonly gate: Pick<Gate, "hold">;
  readonly clock: Clock;
  readonly randomId: () => string;
  readonly logger: Logger;
  isStopping(): boolean;
}

/** Letters of one append: a request of a client has about as many. */
const lettersAtOnce = 100;
const bytesAtOnce = 1024 ** 2;
/** Letters looked at before the process breathes. */
const lookedAtOnce = 100;
/** Changed letters that a run leaves to a checkpoint: it writes them in one go, and a thousand take some 15 ms. */
const unsavedMax = 1000;
/** Letters put through accept before the process breathes: one of 256 Ki characters takes milliseconds. */
const triedAtOnce = 20;
/** A run that ends within this time is answered for as ended. */
const answerMsMax = 2000;
const retryMs = 250;

/**
 * Does with many letters what one request asked for, one run after the other.
 *
 * - J1 a run is in the log before it is answered for, and so is its end: one that a crash cut off goes on.
 * - J2 nothing is remembered of how far it was: letters that are done are in another state by then, and what was
 *   written twice is applied once (`Reducer`).
 * - J3 a portion is written only when the one before it is reduced, and when a client's request would be let in; and
 *   before a checkpoint has so much to write that requests would feel it.
 * - J4 letters that came after the run was asked for are not of it.
 */
export class LetterRunner {
  readonly #options: LetterRunnerOptions;
  readonly #queue: string[] = [];
  readonly #progress = new Map<string, LetterProgress>();
  readonly #cancelled = new Set<string>();
  #working: Promise<void> | null = null;

  constructor(options: LetterRunnerOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier process left. */
  resume(): void {
    // What it did is in another state by now, and not met again.
    for (const job of this.#options.engine.deadLetters.jobs.running())
      this.#enqueue(job.id, job.applied + job.duplicate + job.discarded + job.restored);
  }

  /** Resolves when the run has ended, or is under way for a while. */
  async start(asked: Omit<LetterJobPlan, "id" | "before">): Promise<LetterJobView> {
    const { engine, clock, randomId } = this.#options;
    const before = engine.status().nextOffset;
    const job: LetterJobPlan = { ...asked, id: randomId(), before };
    await this.write({ kind: "jobStarted", job });
    this.#enqueue(job.id);
    const until = clock.now() + answerMsMax;
    while (clock.now() < until && this.get(job.id)?.status === "running") await this.#pause(5);
    const view = this.get(job.id);
    if (view === null) throw new Error(`the run ${job.id} was not taken down`);
    return view;
  }

  get(id: string): LetterJobView | null {
    const job = this.#options.engine.deadLetters.jobs.get(id);
    return job === null ? null : jobView(job, this.#progress.get(id));
  }

  list(): LetterJobView[] {
    return this.#options.engine.deadLetters.jobs
      .list()
      .map((job) => jobView(job, this.#progress.get(job.id)));
  }

  /** It stops behind the portion that is being written. What was sent stays sent. */
  cancel(id: string): void {
    if (this.get(id)?.status === "running") this.#cancelled.add(id);
  }

  /** Resolves when nothing is under way any more. Runs that have not ended go on in the next process. */
  async close(): Promise<void> {
    await this.#working;
  }

  /** Puts an action of an operator into the log; resolves when it is reduced, rejects where the log does. */
  write(action: LetterAction): Promise<string> {
    return this.append([this.#recordOf(action)]);
  }

  /** The same for other records. */
  async append(records: readonly LogRecord[]): Promise<string> {
    const { engine, isStopping } = this.#options;
    const receipt = await engine.append(records);
    const offset = engine.offsetOf(receipt) ?? -1;
    while (!isStopping() && !(await engine.waitFor(offset, retryMs)));
    return receipt;
  }

  #enqueue(id: string, matched = 0): void {
    this.#queue.push(id);
    this.#progress.set(id, { matched, refused: {} });
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async #work(): Promise<void> {
    const { engine, logger, isStopping } = this.#options;
    for (let id = this.#queue[0]; id !== undefined && !isStopping(); id = this.#queue[0]) {
      const job = engine.deadLetters.jobs.get(id);
      try {
        if (job?.status === "running") await this.#run(job);
      } catch (error) {
        if (isStopping()) return;
        logger.error({ err: error, job: id }, "a run over dead letters failed");
        const message = error instanceof Error ? error.message : String(error);
        await this.#end(id, "failed", message.slice(0, 500)).catch(() => {});
      }
      this.#queue.shift();
      this.#progress.delete(id);
      this.#cancelled.delete(id);
    }
  }

  async #run(job: LetterJob): Promise<void> {
    const { engine, clock } = this.#options;
    const progress = this.#progressOf(job.id);
    const isMeant = matcherOf(job.filter, stateOf(job));
    let portion: StoredDeadLetter[] = [];
    let [bytes, looked] = [0, 0];
    for (const letter of lettersOf(job, engine)) {
      if (++looked % lookedAtOnce === 0) await clock.yield();
      if (this.#isOver(job.id)) break;
      if (!isMeant(letter)) continue;
      progress.matched++;
      portion.push(letter);
      bytes += letter.bytes;
      if (portion.length < lettersAtOnce && bytes < bytesAtOnce) continue;
      await this.#apply(job, portion);
      [portion, bytes] = [[], 0];
    }
    if (!this.#isOver(job.id)) await this.#apply(job, portion);
    if (this.#options.isStopping()) return;
    await this.#end(job.id, this.#cancelled.has(job.id) ? "cancelled" : "done");
  }

  #isOver(id: string): boolean {
    return this.#options.isStopping() || this.#cancelled.has(id);
  }

  /** Keeps J3. */
  async #apply(job: LetterJob, portion: readonly StoredDeadLetter[]): Promise<void> {
    if (portion.length === 0) return;
    await this.#room(job.id);
    if (this.#isOver(job.id)) return;
    const letters = portion.map(({ offset }) => offset);
    const { id, by, reason } = job;
    switch (job.verb) {
      case "discard":
        return this.#persist([
          this.#recordOf({
            ...{ kind: "discard", letters, by, job: id },
            ...(reason === undefined ? {} : { reason }),
          }),
        ]);
      case "restore":
        return this.#persist([this.#recordOf({ kind: "restore", letters, by, job: id })]);
      case "correct":
      case "retry":
        return this.#persist(await this.#records(job, portion));
    }
  }

  async #records(job: LetterJob, portion: readonly StoredDeadLetter[]): Promise<EventRecord[]> {
    const { refused } = this.#progressOf(job.id);
    const records: EventRecord[] = [];
    for (const [index, letter] of portion.entries()) {
      if (index % triedAtOnce === triedAtOnce - 1) await this.#options.clock.yield();
      const outcome = await this.outcomeOf(letter, { ...job, job: job.id });
      if (outcome.kind === "event") records.push(outcome.record);
      else refused[outcome.code] = (refused[outcome.code] ?? 0) + 1;
    }
    return records;
  }

  /** What a correction would make of a letter, now. */
  async outcomeOf(
    letter: StoredDeadLetter,
    { changes = [], vouched, job }: Pick<LetterJobPlan, "changes" | "vouched"> & { job?: string },
  ): Promise<ResendOutcome> {
    const event = changes.length === 0 ? undefined : applyChanges(letter.event, changes);
    return resend(letter, await contextFor(letter, event, this.#options), {
      corrects: { letter: letter.offset, ...(job === undefined ? {} : { job }) },
      ...(event === undefined ? {} : { event }),
      isVouched: vouched === true,
    });
  }

  async #end(id: string, outcome: LetterJobEnd["outcome"], message?: string): Promise<void> {
    const why = message === undefined ? {} : { message };
    const end = { id, outcome, ...this.#progressOf(id), ...why };
    await this.#persist([this.#recordOf({ kind: "jobEnded", end })]);
  }

  #progressOf(id: string): LetterProgress {
    return this.#progress.get(id) ?? { matched: 0, refused: {} };
  }

  #recordOf(action: LetterAction): LogRecord {
    const { engine, clock } = this.#options;
    const partition = partitionOf(action.kind, engine.partitions);
    return { kind: "letter", partition, at: clock.now(), action };
  }

  /** A run has time: what the log refuses is written again, until the process stops. */
  async #persist(records: readonly LogRecord[]): Promise<void> {
    for (;;) {
      try {
        await this.append(records);
        return;
      } catch (error) {
        if (this.#options.isStopping()) throw error;
        await this.#pause(retryMs);
      }
    }
  }

  async #room(id: string): Promise<void> {
    const { engine, gate } = this.#options;
    // One that fails is told by the engine, and the next one holds the same.
    if (engine.deadLetters.unsaved >= unsavedMax)
      await engine.checkpoint().catch(() => this.#pause(retryMs));
    while (!this.#isOver(id)) {
      try {
        return await gate.hold();
      } catch (error) {
        if (!(error instanceof FreshetError)) throw error;
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, () => resolve());
    });
  }
}

function stateOf({ verb }: Pick<LetterJobPlan, "verb">): "waiting" | "discarded" {
  return verb === "restore" ? "discarded" : "waiting";
}

/** Oldest first, so that they come into the log in the order in which they were first tried. Keeps J4. */
export function* lettersOf(
  { filter, before }: Pick<LetterJobPlan, "filter" | "before">,
  { deadLetters }: Pick<Engine, "deadLetters">,
): Generator<StoredDeadLetter, void> {
  const { ids, messageId } = filter;
  if (ids === undefined && messageId === undefined) {
    yield* deadLetters.scan({ order: "oldestFirst", to: before });
    return;
  }
  const found =
    messageId === undefined
      ? [...new Set(ids)].sort((a, b) => a - b).flatMap((id) => deadLetters.get(id) ?? [])
      : deadLetters.ofMessage(messageId);
  yield* found.filter(({ offset }) => offset < before);
}
