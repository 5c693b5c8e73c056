import { FreshetError, limits } from "@freshet/protocol";
import { type AcceptContext, acceptEvents, keepsWhole } from "../../accept/index.ts";
import type { DeadLetterRecord, EventRecord } from "../../core/record.ts";
import type { Engine } from "../../engine/engine.ts";
import { partitionOf } from "../../engine/partition.ts";
import type { Clock } from "../../engine/port/clock.ts";
import type { Source, SourceMessage } from "../../engine/port/source.ts";
import type { FeedStatus } from "../../telemetry/index.ts";
import type { Decode } from "./decode.ts";

export interface FeedOptions {
  readonly source: Source;
  /** Name of the source that its events have in profiles and journeys. */
  readonly events: string;
  readonly decode: Decode;
  readonly context: () => AcceptContext;
  readonly engine: Pick<Engine, "append" | "ledger">;
  readonly clock: Clock;
  readonly problem: (message: string) => void;
}

type Kept = EventRecord | DeadLetterRecord;

/**
 * From a source to the log.
 *
 * - F1 a message is acknowledged after everything that became of it is on disk: its events, or a dead letter.
 * - F2 messages are accepted and appended in the order in which they came; what waits is appended together.
 * - F3 an append that fails is made again after growing pauses, the same records in the same order; nothing is
 *   acknowledged meanwhile, so that the source holds back (R4). Only `stop` ends that, and leaves them to the system.
 * - F4 nothing is appended while the engine is far behind.
 */
export class Feed {
  readonly #options: FeedOptions;
  #waiting: SourceMessage[] = [];
  #working: Promise<void> | null = null;
  #isStopping = false;
  #leftOut = 0;
  #failedAppends = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.source.start({
      receive: (message) => {
        this.#waiting.push(message);
        this.#working ??= this.#work();
      },
      problem: this.#options.problem,
    });
  }

  status(): FeedStatus {
    const { source } = this.#options;
    const [leftOut, failedAppends] = [this.#leftOut, this.#failedAppends];
    return { ...source.status(), name: source.name, leftOut, failedAppends };
  }

  /** What was received is on disk and acknowledged, where the log takes it. May be called twice. */
  async stop(): Promise<void> {
    await this.#options.source.stop();
    this.#isStopping = true;
    await this.#working;
    await this.#options.source.close();
  }

  async #work(): Promise<void> {
    // What one delivery of the network brings is appended together.
    await this.#options.clock.yield();
    while (this.#waiting.length > 0) {
      const messages = this.#waiting.splice(0, messagesMax);
      await this.#room();
      const records = messages.flatMap((message) => this.#accept(message));
      if (!(await this.#append(records))) break;
      for (const message of messages) message.acknowledge();
    }
    this.#working = null;
  }

  async #room(): Promise<void> {
    const { engine, clock } = this.#options;
    while (engine.ledger().inFlight > eventsInFlightMax && !this.#isStopping)
      await pause(clock, roomMs);
  }

  #accept(message: SourceMessage): readonly Kept[] {
    const { decode, context } = this.#options;
    const decoded = decode(message);
    switch (decoded.kind) {
      case "leftOut":
        this.#leftOut++;
        return [];
      case "broken":
        return [this.#letter(message, decoded)];
      case "events":
        try {
          return acceptEvents(decoded.input, context()).records;
        } catch (error) {
          // Nothing of it can be kept as events; there is nobody to tell, so it is kept as it came.
          if (error instanceof FreshetError) return [this.#letter(message, error)];
          throw error;
        }
    }
  }

  /** False where it was stopped before the log took them. */
  async #append(records: readonly Kept[]): Promise<boolean> {
    if (records.length === 0) return true;
    const { engine, clock, problem } = this.#options;
    for (let pauseMs = retryMsMin; ; pauseMs = Math.min(retryMsMax, pauseMs * 2)) {
      try {
        await engine.append(records);
        return true;
      } catch (error) {
        this.#failedAppends++;
        const { source } = this.#options;
        problem(`"${source.name}": the log takes no more: ${(error as Error).message}`);
        if (this.#isStopping) return false;
        await pause(clock, pauseMs);
      }
    }
  }

  #letter(
    { id, topic, payload }: SourceMessage,
    { code, message }: { readonly code: string; readonly message: string },
  ): DeadLetterRecord {
    const { now, partitions, randomId, sources } = this.#options.context();
    const source = { name: this.#options.events, writeKey: "", kind: "server" } as const;
    const isWhole = keepsWhole(source, sources);
    const letterId = id ?? randomId();
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return {
      kind: "deadLetter",
      partition: partitionOf(letterId, partitions),
      at: now,
      letter: {
        id: letterId,
        code,
        message: isWhole
          ? `topic "${topic.slice(0, topicCharsMax)}": ${message}`
          : "a message could not be read",
        source: this.#options.events,
        at: now,
        // Bytes that are no text are shown as U+FFFD; a cut may leave one behind too.
        event: isWhole ? text.toString("utf8", 0, limits.deadLetterCharsMax) : "",
      },
    };
  }
}

/** Messages of one append. */
const messagesMax = 1000;
/** Events on disk that are not reduced yet; past it the next append waits, as capture does. */
const eventsInFlightMax = 50_000;
const roomMs = 10;
const retryMsMin = 100;
const retryMsMax = 5000;
/** Of a topic, in a message for people. */
const topicCharsMax = 200;

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, () => resolve());
  });
}
