import type { Source, SourceMessage, SourceReceiver } from "../../engine/port/source.ts";

/** A system in memory that keeps messages until they are acknowledged: for tests of what reads from one. */
export class MemorySystem {
  #next = 1;
  #kept: Kept[] = [];
  #readers = new Set<MemorySource>();

  publish(topic: string, payload: Uint8Array | string): void {
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    this.#kept.push({ id: `memory-${this.#next++}`, topic, payload: bytes, connection: null });
    for (const reader of this.#readers) reader.read();
  }

  /** Messages that nobody has acknowledged. */
  get waiting(): number {
    return this.#kept.length;
  }

  source(name: string, inFlightMax = 100): Source {
    return new MemorySource(name, this, inFlightMax);
  }

  /** Every connection ends and is made again: what was not acknowledged comes again. */
  dropConnections(): void {
    for (const reader of this.#readers) reader.reconnect();
  }

  /** The next message that is not out on this connection, or undefined. */
  take(connection: object): Kept | undefined {
    const found = this.#kept.find((kept) => kept.connection !== connection);
    if (found !== undefined) found.connection = connection;
    return found;
  }

  acknowledge(kept: Kept, connection: object): void {
    if (kept.connection === connection) this.#kept = this.#kept.filter((other) => other !== kept);
  }

  join(reader: MemorySource): void {
    this.#readers.add(reader);
  }

  leave(reader: MemorySource): void {
    this.#readers.delete(reader);
  }
}

interface Kept {
  readonly id: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  connection: object | null;
}

class MemorySource implements Source {
  readonly name: string;
  readonly #system: MemorySystem;
  readonly #inFlightMax: number;
  #receiver: SourceReceiver | null = null;
  #connection: object = {};
  #reconnects = 0;
  #counts = { received: 0, acknowledged: 0, inFlight: 0 };

  constructor(name: string, system: MemorySystem, inFlightMax: number) {
    this.name = name;
    this.#system = system;
    this.#inFlightMax = inFlightMax;
  }

  async start(receiver: SourceReceiver): Promise<void> {
    this.#receiver = receiver;
    this.#system.join(this);
    this.read();
  }

  status() {
    const isConnected = this.#receiver !== null;
    return { ...this.#counts, ignored: 0, reconnects: this.#reconnects, isConnected };
  }

  async stop(): Promise<void> {
    this.#receiver = null;
  }

  async close(): Promise<void> {
    this.#receiver = null;
    this.#connection = {};
    this.#system.leave(this);
  }

  read(): void {
    while (this.#receiver !== null && this.#counts.inFlight < this.#inFlightMax) {
      const connection = this.#connection;
      const kept = this.#system.take(connection);
      if (kept === undefined) return;
      this.#counts.received++;
      this.#counts.inFlight++;
      this.#receiver.receive(this.#messageOf(kept, connection));
    }
  }

  reconnect(): void {
    this.#connection = {};
    this.#reconnects++;
    this.#receiver?.problem(`memory "${this.name}": the connection is lost`);
    this.read();
  }

  #messageOf(kept: Kept, connection: object): SourceMessage {
    const { id, topic, payload } = kept;
    let isDone = false;
    return {
      ...{ id, topic, payload },
      acknowledge: () => {
        if (isDone) return;
        isDone = true;
        this.#counts.acknowledged++;
        this.#counts.inFlight--;
        if (connection === this.#connection) this.#system.acknowledge(kept, connection);
        this.read();
      },
    };
  }
}
