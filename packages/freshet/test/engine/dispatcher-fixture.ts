import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { MemorySink } from "../../src/adapters/sink/memory.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import type { SendEffect } from "../../src/core/effect.ts";
import { Dispatcher, type DispatcherOptions } from "../../src/engine/dispatcher.ts";
import { Outbox, type OutboxLimits, outboxLimits } from "../../src/engine/outbox.ts";
import type { Sink } from "../../src/engine/port/sink.ts";
import type { StateStore } from "../../src/engine/port/state-store.ts";
import { VirtualClock, type VirtualProcess } from "../../src/testing/virtual-clock.ts";

export const textCodec = {
  encode: (text: string): Uint8Array => Buffer.from(text),
  decode: (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8"),
};

export interface RigOptions {
  readonly random?: () => number;
  readonly outbox?: Partial<OutboxLimits>;
  readonly limits?: DispatcherOptions["limits"];
  readonly withhold?: DispatcherOptions["withhold"];
}

/**
 * Outbox and dispatcher on a virtual clock and a memory disk. `log` stands for the engine: what was not in the last
 * checkpoint is added again after a crash, as reducing the log again does.
 */
export class Rig {
  readonly clock = new VirtualClock();
  readonly disk: MemoryDisk;
  readonly sinks: readonly MemorySink[];
  readonly log: SendEffect[] = [];
  readonly alerts: string[] = [];
  /** Ids of effects that were put back by hand: they may come behind younger ones. */
  readonly putBack = new Set<string>();
  readonly #options: RigOptions;
  /** How often the process has started. */
  life = 0;
  #reduced = 0;
  store!: StateStore;
  outbox!: Outbox;
  dispatcher!: Dispatcher;
  #process!: VirtualProcess;
  #checkpointing: Promise<void> = Promise.resolve();

  private constructor(destinations: readonly string[], options: RigOptions) {
    this.#options = options;
    this.disk = new MemoryDisk({ clock: this.clock, random: options.random ?? (() => 0.5) });
    this.sinks = destinations.map((name) => new MemorySink(name));
  }

  static async open(destinations: readonly string[], options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(destinations, options);
    await rig.#start();
    rig.dispatcher.start();
    return rig;
  }

  sink(name: string): MemorySink {
    const sink = this.sinks.find((one) => one.name === name);
    if (sink === undefined) throw new Error(`there is no sink "${name}"`);
    return sink;
  }

  status(name: string) {
    const status = this.dispatcher.status().find(({ destination }) => destination === name);
    if (status === undefined) throw new Error(`there is no destination "${name}"`);
    return status;
  }

  add(...effects: readonly SendEffect[]): void {
    this.log.push(...effects);
    this.#reduce();
  }

  retryAbandoned(id: string): void {
    if (this.dispatcher.retryAbandoned(id)) this.putBack.add(id);
  }

  /** Rejects where the disk fails. */
  checkpoint(): Promise<void> {
    const written = this.#checkpointing.then(() => this.#write());
    this.#checkpointing = written.catch(() => {});
    return this.clock.run(written);
  }

  /** Begins one that a crash may find under way. */
  startCheckpoint(): void {
    this.#checkpointing = this.#checkpointing.then(() => this.#write()).catch(() => {});
  }

  /** Adds, checkpoints, and lets happen what happens at once. */
  async deliver(...effects: readonly SendEffect[]): Promise<void> {
    this.add(...effects);
    await this.checkpoint();
    await this.clock.advance(0);
  }

  /** A checkpoint each `stepMs` while `ms` go by. */
  async run(ms: number, stepMs = 250): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.clock.advance(stepMs);
      await this.checkpoint().catch(() => {});
    }
  }

  /** The process dies and starts again; what its sends would still have done, nobody hears. */
  async crash(): Promise<void> {
    this.#process.kill();
    this.disk.crash();
    this.#checkpointing = Promise.resolve();
    await this.#start();
    this.dispatcher.start();
  }

  async #start(): Promise<void> {
    const process = this.clock.process();
    this.#process = process;
    this.life++;
    this.store = await openMemoryState(this.disk);
    const meta = this.store.get("meta", "position");
    const { position, sequence } =
      meta === undefined
        ? { position: 0, sequence: 0 }
        : (JSON.parse(textCodec.decode(meta)) as { position: number; sequence: number });
    this.outbox = new Outbox(this.store, textCodec, sequence, {
      ...outboxLimits,
      ...this.#options.outbox,
    });
    this.dispatcher = new Dispatcher({
      outbox: this.outbox,
      sinks: this.sinks.map((sink) => mortal(sink, () => this.#process === process)),
      clock: process,
      random: this.#options.random ?? (() => 0.5),
      alert: (name) => this.alerts.push(name),
      ...(this.#options.limits === undefined ? {} : { limits: this.#options.limits }),
      ...(this.#options.withhold === undefined ? {} : { withhold: this.#options.withhold }),
    });
    this.#reduced = position;
    this.#reduce();
  }

  #reduce(): void {
    for (const effect of this.log.slice(this.#reduced)) this.outbox.add(effect);
    this.#reduced = this.log.length;
  }

  async #write(): Promise<void> {
    const { outbox } = this;
    const position = { position: this.#reduced, sequence: outbox.sequence };
    const changes = outbox.beginSnapshot();
    const meta = {
      table: "meta" as const,
      key: "position",
      value: textCodec.encode(JSON.stringify(position)),
    };
    try {
      await this.store.commit([...changes, meta]);
    } catch (error) {
      outbox.endSnapshot("failed");
      throw error;
    }
    outbox.endSnapshot("committed");
  }
}

/** A sink as one process sees it: after its death nothing is sent and nothing comes back. */
function mortal(sink: MemorySink, isAlive: () => boolean): Sink {
  return {
    name: sink.name,
    async send(effect, cancellation) {
      if (!isAlive()) return new Promise(() => {});
      const outcome = await sink.send(effect, cancellation);
      return isAlive() ? outcome : new Promise(() => {});
    },
    close: () => sink.close(),
  };
}
