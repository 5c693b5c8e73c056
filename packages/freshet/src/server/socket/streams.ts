import { FreshetError } from "@freshet/protocol";
import type { Connection } from "./connection.ts";

/** A client's sequence of messages, over as many connections as it takes. */
export interface Stream {
  /** The last message that was acknowledged, as far as this process remembers; 0 for none. */
  acknowledged: number;
  leave(connection: Connection): void;
}

interface Entry extends Stream {
  connection: Connection | null;
}

/**
 * What is remembered of streams, in memory and at most `countMax` of them: it spares clients from sending again what
 * was acknowledged while the acknowledgement was lost. Nothing rests on it: ids are made of stream, sequence and
 * place, so that what is sent again after it was forgotten is a duplicate.
 */
export class Streams {
  readonly #countMax: number;
  /** The least lately joined first. */
  readonly #entries = new Map<string, Entry>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Ends the stream's connection before this one, and waits for what that has begun (K4). */
  async join(source: string, name: string, connection: Connection): Promise<Stream> {
    const key = `${source} ${name}`;
    const entry = this.#entries.get(key) ?? entryOf();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const before = entry.connection;
    entry.connection = connection;
    this.#forget();
    if (before !== null && before !== connection) {
      const message = "another connection has taken over this stream";
      await before.finish(new FreshetError("socketReplaced", message));
    }
    return entry;
  }

  #forget(): void {
    if (this.#entries.size <= this.#countMax) return;
    for (const [key, { connection }] of this.#entries) {
      if (connection === null) this.#entries.delete(key);
      if (this.#entries.size <= this.#countMax) return;
    }
  }
}

function entryOf(): Entry {
  return {
    acknowledged: 0,
    connection: null,
    leave(connection) {
      if (this.connection === connection) this.connection = null;
    },
  };
}
