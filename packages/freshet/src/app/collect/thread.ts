import { Worker } from "node:worker_threads";
import type { FormattedLog } from "../../adapters/log/formatted-log.ts";
import type { KeptSchema } from "../../adapters/log/payload/schema-row.ts";
import type { Engine } from "../../engine/engine.ts";
import type { SchemaRegistry } from "../../engine/port/schema-registry.ts";
import type { CollectorReading } from "../../server/options.ts";
import type { PlaceOptions } from "../settings.ts";
import {
  type CollectorOpening,
  type CollectorStart,
  type CollectorState,
  type FromCollector,
  type Problem,
  problemOf,
  type ToCollector,
} from "./message.ts";
import { answerOf } from "./remote-schemas.ts";

/** What a collector works with, in this thread. */
export interface CollectorParts {
  readonly engine: Engine;
  readonly log: FormattedLog;
  readonly schemas: SchemaRegistry;
}

/**
 * A thread that has the port: it answers capture by itself and hands everything else on to this one.
 *
 * - T1 what it acknowledges is in the log: it waits for this thread to say so (`RemoteAppend`).
 * - T2 another plan holds for what it accepts before it holds for what is reduced, so that what a new feature needs is
 *   in the events that the feature sees.
 * - T3 where it breaks, the process ends as for any other bug: recovery is a start.
 */
export class CollectorThread {
  readonly #worker: Worker;
  readonly #inFlight: Int32Array;
  readonly #answers = new Map<number, (message: Answer) => void>();
  readonly #ended: Promise<void>;
  #onFirst: (message: FromCollector | Error) => void = () => {};
  #parts: CollectorParts | undefined;
  /** Id of the schema that the collector writes events with. */
  #eventsAs: number | null = null;
  #isPublishing = false;
  #isOpen = false;
  #isClosing = false;
  #id = 0;

  /** Begins to read the configuration at once; `open` may come later. */
  constructor(place: PlaceOptions) {
    const inFlight = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#inFlight = new Int32Array(inFlight);
    const start: CollectorStart = { place, inFlight };
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: start });
    this.#ended = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    const first = new Promise<FromCollector>((resolve, reject) => {
      this.#onFirst = (message) => (message instanceof Error ? reject(message) : resolve(message));
    });
    first.catch(() => {});
    this.#first = first;
    this.#worker.on("message", (message: FromCollector) => this.#hear(message));
    this.#worker.on("error", (error) => this.#broke(error));
  }

  readonly #first: Promise<FromCollector>;

  /** Resolves with the address that it listens on. Rejects with what `listen` says, as it says it. */
  async open(
    parts: CollectorParts,
    given: Pick<CollectorOpening, "writeKey" | "socketPath">,
  ): Promise<string> {
    const { engine } = parts;
    this.#parts = parts;
    const { logId, partitions } = engine;
    const state = stateOf(engine);
    const eventsAs = this.#schemaInForce(parts.log);
    this.#send({ kind: "open", opening: { ...given, logId, partitions, state, eventsAs } });
    const answer = await this.#first;
    this.#isOpen = answer.kind === "listening";
    if (answer.kind === "listening") return answer.url;
    throw errorOf(answer.kind === "failed" ? answer.problem : { message: "it did not listen" });
  }

  /** By which plan and tables it accepts from now on. */
  async accept(state: CollectorState): Promise<void> {
    const answer = await this.#ask((id) => ({ kind: "state", id, state }));
    if (answer.kind === "done" && answer.problem !== undefined) throw errorOf(answer.problem);
  }

  async reading(): Promise<CollectorReading> {
    const answer = await this.#ask((id) => ({ kind: "reading", id }));
    if (answer.kind !== "reading") throw new Error("the collector gave no reading");
    return answer.reading;
  }

  /** Resolves when what was under way is answered and its port is free. */
  async close(): Promise<void> {
    if (!this.#isOpen) return this.terminate();
    this.#isClosing = true;
    this.#send({ kind: "close" });
    await this.#ended;
  }

  /** Without waiting for anything: for a start that failed. */
  async terminate(): Promise<void> {
    this.#isClosing = true;
    await this.#worker.terminate();
  }

  #send(message: ToCollector): void {
    this.#worker.postMessage(message);
  }

  #ask(message: (id: number) => ToCollector): Promise<Answer> {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#send(message(id));
    });
  }

  #hear(message: FromCollector): void {
    switch (message.kind) {
      case "append":
        void this.#append(message.id, message.records);
        break;
      case "done":
      case "reading":
        this.#answers.get(message.id)?.(message);
        this.#answers.delete(message.id);
        break;
      case "listening":
      case "failed":
        this.#onFirst(message);
        break;
      case "schema":
        void this.#answer(message.id, message.schemaId);
        break;
      case "closed":
        break;
    }
  }

  async #append(id: number, records: Uint8Array): Promise<void> {
    const { engine, log } = this.#parts as CollectorParts;
    if (log.eventsAs !== this.#eventsAs)
      this.#send({ kind: "eventsAs", schema: this.#schemaInForce(log) });
    try {
      const firstOffset =
        records.length === 0
          ? engine.status().nextOffset
          : (await engine.appendEncoded(records)).firstOffset;
      this.#send({ kind: "appended", id, firstOffset });
    } catch (error) {
      this.#send({ kind: "refused", id, problem: problemOf(error) });
    }
    this.#publish();
  }

  #schemaInForce(log: FormattedLog): KeptSchema | null {
    this.#eventsAs = log.eventsAs;
    return log.schemas().find(({ id }) => id === log.eventsAs) ?? null;
  }

  async #answer(id: number, schemaId: number): Promise<void> {
    const { schemas } = this.#parts as CollectorParts;
    this.#send({ kind: "schema", id, answer: await answerOf(schemas, schemaId) });
  }

  /** As long as something is in flight its number is told, so that a collector that holds requests learns of room. */
  #publish(): void {
    if (this.#isPublishing) return;
    const count = this.#parts?.engine.ledger().inFlight ?? 0;
    Atomics.store(this.#inFlight, 0, count);
    if (count === 0) return;
    this.#isPublishing = true;
    setTimeout(() => {
      this.#isPublishing = false;
      this.#publish();
    }, publishMs);
  }

  #broke(error: Error): void {
    this.#onFirst(error);
    if (this.#isClosing) return;
    if (this.#parts === undefined) return;
    queueMicrotask(() => {
      throw error;
    });
  }
}

type Answer = Extract<FromCollector, { readonly kind: "done" | "reading" }>;

const publishMs = 10;

export function stateOf(engine: Engine): CollectorState {
  return { plan: engine.plan.plan.hash, tables: engine.tables };
}

function errorOf({ message, hint, code }: Problem): Error {
  return Object.assign(new Error(message), { hint, code });
}
