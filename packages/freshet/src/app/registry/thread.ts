/**
 * Schemas are understood and compared on a thread of their own: a hostile or huge one takes seconds, and the event loop
 * acknowledges events meanwhile.
 *
 * - T1 the event loop parses no text of a client's but small ones (`isSmall`), and compares none; what it does for a job
 *   is to copy `checkPieceCharsMax` at once.
 * - T2 a job ends within `checkMsMax` of the thread's time, a comparison with all its pieces: past it the thread is
 *   ended with the job on it, the job is refused, and the next one gets a new thread.
 * - T3 jobs are done in the order in which they come; between two pieces of a comparison others have their turn.
 * - T4 the thread is there from the first job until it rested for `checkIdleMs`, or until `close`.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import {
  RegistryError,
  registryLimits,
  type SchemaJob,
  type SchemaJobAnswers,
  type SchemaText,
  type SchemaWork,
  workHere,
} from "../../core/registry/index.ts";
import type { SchemaJobMeasure } from "../../telemetry/index.ts";
import { piecesOf } from "./piece.ts";
import { isSmall } from "./small.ts";
import type { ThreadMessage } from "./thread-message.ts";
import { createSchemaTypes } from "./types.ts";
import { WrittenTexts } from "./written.ts";

/** Those of `registryLimits` that are this thread's. */
export type ThreadLimits = Readonly<
  Record<
    | "checkMsMax"
    | "checkMemoryMbMax"
    | "checksWaitingMax"
    | "checkPieceCharsMax"
    | "checkIdleMs"
    | "writtenCharsMax",
    number
  >
>;

export interface SchemaThreadOptions {
  readonly limits?: Partial<ThreadLimits>;
  readonly onJob?: (measure: SchemaJobMeasure) => void;
}

export class SchemaThread implements SchemaWork {
  readonly #limits: ThreadLimits;
  readonly #onJob: (measure: SchemaJobMeasure) => void;
  readonly #written: WrittenTexts;
  /** For small ones; nothing is parsed twice, so no parsed form is kept. */
  readonly #here = workHere(createSchemaTypes(0));
  #waiting: Asked[] = [];
  #running: Asked | null = null;
  #thread: RunningThread | null = null;
  #timer: NodeJS.Timeout | undefined;
  #ending: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor({ limits, onJob }: SchemaThreadOptions = {}) {
    this.#limits = { ...registryLimits, ...limits };
    this.#onJob = onJob ?? (() => {});
    this.#written = new WrittenTexts(this.#limits.writtenCharsMax);
  }

  async run<Kind extends SchemaJob["kind"]>(
    job: SchemaJob & { readonly kind: Kind },
  ): Promise<SchemaJobAnswers[Kind]> {
    // Each case gives the answer of its own kind.
    return (await this.#answer(job)) as SchemaJobAnswers[Kind];
  }

  #answer(job: SchemaJob): Promise<SchemaJobAnswers[SchemaJob["kind"]]> {
    switch (job.kind) {
      case "write":
        return this.#written.get(job, () =>
          isSmall(job.text) ? this.#here.run(job) : this.#askText(job),
        );
      case "format":
        return this.#ask(job, this.#limits.checkMsMax).then(({ answer }) => answer);
      case "compare":
        return this.#compare(job);
    }
  }

  async #askText(job: SchemaJob & { readonly kind: "write" }): Promise<string> {
    const { answer } = await this.#ask(job, this.#limits.checkMsMax);
    return answer as SchemaJobAnswers["write"];
  }

  async #compare(job: SchemaJob & { readonly kind: "compare" }) {
    let msLeft = this.#limits.checkMsMax;
    let offset = 0;
    for (const previous of piecesOf(job.previous, this.#limits.checkPieceCharsMax)) {
      const asked = await this.#ask({ ...job, previous }, msLeft);
      const found = asked.answer as SchemaJobAnswers["compare"];
      if (found !== null) return { ...found, index: offset + found.index };
      offset += previous.length;
      msLeft = Math.max(1, msLeft - asked.ms);
    }
    return null;
  }

  #ask(job: SentJob, msMax: number): Promise<Answered> {
    if (this.#isClosed) return Promise.reject(closing());
    if (this.#waiting.length >= this.#limits.checksWaitingMax)
      return Promise.reject(timedOut("too many schemas wait to be checked"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, msMax, began: 0, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== null || this.#isClosed) return;
    clearTimeout(this.#timer);
    const asked = this.#waiting.shift();
    if (asked === undefined) {
      this.#thread?.worker.unref();
      this.#timer = setTimeout(() => this.#end(), this.#limits.checkIdleMs).unref();
      return;
    }
    this.#running = asked;
    this.#thread ??= this.#start();
    this.#thread.worker.ref();
    if (this.#thread.isReady) this.#send(this.#thread, asked);
  }

  #start(): RunningThread {
    const url = new URL(`./thread-main${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(url, {
      name: "schemas",
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.checkMemoryMbMax },
    });
    const thread: RunningThread = { worker, isReady: false };
    worker.on("message", (message: ThreadMessage) => this.#hear(thread, message));
    worker.on("error", (error: NodeJS.ErrnoException) => this.#lose(thread, error));
    worker.on("exit", (code) => this.#lose(thread, new Error(`the thread ended with ${code}`)));
    return thread;
  }

  /** The time of a job begins when the thread can begin with it. */
  #send({ worker }: RunningThread, asked: Asked): void {
    asked.began = performance.now();
    worker.postMessage(asked.job);
    this.#timer = setTimeout(() => this.#refuseSlow(asked), asked.msMax);
  }

  #hear(thread: RunningThread, message: ThreadMessage): void {
    if (thread !== this.#thread) return;
    const asked = this.#running;
    if (message.kind === "ready") {
      thread.isReady = true;
      if (asked !== null) this.#send(thread, asked);
      return;
    }
    if (asked === null) return;
    const ms = performance.now() - asked.began;
    this.#settle(asked, message.kind);
    if (message.kind === "done") asked.resolve({ answer: message.answer, ms });
    else if (message.kind === "failed") asked.reject(new Error(message.message));
    else asked.reject(new RegistryError(message.name, message.message));
  }

  #refuseSlow(asked: Asked): void {
    this.#end();
    this.#settle(asked, "tooLong");
    asked.reject(tooLarge(`more than ${this.#limits.checkMsMax} ms`));
  }

  /** The thread ended by itself: out of memory with the job that it had, or by a bug. */
  #lose(thread: RunningThread, error: NodeJS.ErrnoException): void {
    if (thread !== this.#thread) return;
    this.#thread = null;
    const asked = this.#running;
    if (asked === null) return;
    const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    this.#settle(asked, isMemory ? "tooLong" : "failed");
    asked.reject(isMemory ? tooLarge(`more than ${this.#limits.checkMemoryMbMax} MB`) : error);
  }

  #settle(asked: Asked, outcome: SchemaJobMeasure["outcome"]): void {
    // Zero where the thread did not even start.
    const seconds = asked.began === 0 ? 0 : (performance.now() - asked.began) / 1000;
    this.#onJob({ kind: asked.job.kind, outcome, seconds });
    this.#running = null;
    this.#next();
  }

  #end(): void {
    clearTimeout(this.#timer);
    const thread = this.#thread;
    this.#thread = null;
    if (thread !== null) this.#ending = Promise.all([this.#ending, thread.worker.terminate()]);
  }

  /** What is under way or waits is refused. Resolves when the thread has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    const asked = [...(this.#running === null ? [] : [this.#running]), ...this.#waiting];
    this.#running = null;
    this.#waiting = [];
    for (const { reject } of asked) reject(closing());
    await this.#ending;
  }
}

type SentJob =
  | Exclude<SchemaJob, { readonly kind: "compare" }>
  | (Extract<SchemaJob, { readonly kind: "compare" }> & {
      readonly previous: readonly SchemaText[];
    });

interface Answered {
  readonly answer: SchemaJobAnswers[SchemaJob["kind"]];
  readonly ms: number;
}

interface Asked {
  readonly job: SentJob;
  readonly msMax: number;
  began: number;
  resolve(answered: Answered): void;
  reject(error: unknown): void;
}

interface RunningThread {
  readonly worker: Worker;
  isReady: boolean;
}

function tooLarge(than: string): RegistryError {
  return new RegistryError(
    "schemaTooLarge",
    `Schema is too large: understanding it and comparing it with what is there took ${than}`,
  );
}

function timedOut(why: string): RegistryError {
  return new RegistryError("operationTimeout", `Operation timed out: ${why}`);
}

const closing = () => timedOut("the server is stopping");
