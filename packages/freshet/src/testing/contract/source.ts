import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Source, SourceMessage } from "../../engine/port/source.ts";

/** A system and the sources that read from it. */
export interface SourcePlace {
  /** A source of the same session each time. `knownIds` are those that an earlier one gave. */
  make(options: { readonly inFlightMax?: number; readonly knownIds?: readonly string[] }): Source;
  /** Resolves when the system has them, in this order. */
  publish(payloads: readonly string[]): Promise<void>;
  /** Connections end; the system lives on, and has what was not acknowledged. */
  dropConnections(): Promise<void>;
  remove(): Promise<void>;
}

/** The guarantees R1 to R7 of `engine/port/source.ts`, for any adapter. */
export function sourceContract(name: string, makePlace: () => Promise<SourcePlace>): void {
  describe(`source contract: ${name}`, () => {
    let place: SourcePlace;
    let readers: Reader[] = [];
    beforeEach(async () => {
      place = await makePlace();
      readers = [];
    });
    afterEach(async () => {
      for (const reader of readers) await reader.end();
      await place.remove();
    });
    const read = async (options: Parameters<SourcePlace["make"]>[0] = {}) => {
      const reader = new Reader(place.make(options));
      readers.push(reader);
      await reader.start();
      return reader;
    };

    it("R2 hands over what is published, in order, whatever the bytes", async () => {
      const reader = await read();
      reader.isEager = true;
      const payloads = [...numbered(50), "Zoë 😀 \u2028", " ", "x".repeat(100_000)];
      await place.publish(payloads);
      await reader.has(payloads.length);
      expect(reader.payloads()).toEqual(payloads);
      expect(reader.source.status()).toMatchObject({
        isConnected: true,
        received: payloads.length,
      });
    });

    it("R3 R7 brings again what was not acknowledged, to the next source, under the same ids", async () => {
      const first = await read();
      await place.publish(numbered(10));
      await first.has(10);
      first.acknowledge(4);
      await first.end();
      const second = await read({ knownIds: first.ids() });
      await second.has(6);
      expect(second.payloads()).toEqual(numbered(10).slice(4));
      expect(second.ids()).toEqual(first.ids().slice(4));
    });

    it("R3 does not bring again what was acknowledged", async () => {
      const first = await read();
      await place.publish(numbered(20));
      await first.has(20);
      first.acknowledge(20);
      expect(first.source.status()).toMatchObject({ acknowledged: 20, inFlight: 0 });
      await first.end();
      const second = await read();
      await place.publish(["last"]);
      await second.has(1);
      expect(second.payloads()).toEqual(["last"]);
    });

    it("R4 stops reading while as much is in flight as it may have, and goes on behind that", async () => {
      const reader = await read({ inFlightMax: 8 });
      await place.publish(numbered(40));
      await reader.has(8);
      await sleep(100);
      expect(reader.payloads()).toEqual(numbered(8));
      for (let count = 8; count < 40; count++) {
        reader.acknowledge(1);
        await reader.has(Math.min(40, count + 1));
      }
      expect(reader.payloads()).toEqual(numbered(40));
    });

    it("R5 connects again by itself, and brings what was in flight again under the same ids", async () => {
      const reader = await read();
      await place.publish(numbered(5));
      await reader.has(5);
      await place.dropConnections();
      await reader.has(10);
      expect(reader.payloads()).toEqual([...numbered(5), ...numbered(5)]);
      expect(reader.ids().slice(5)).toEqual(reader.ids().slice(0, 5));
      expect(reader.problems.length).toBeGreaterThan(0);
      expect(reader.source.status().reconnects).toBeGreaterThan(0);
      // The first five belong to a connection that is gone: acknowledging them must not touch the others.
      reader.acknowledge(10);
      await place.publish(["more"]);
      await reader.has(11);
      expect(reader.payloads().at(-1)).toBe("more");
    });

    it("R6 gives equal messages different ids", async () => {
      const reader = await read();
      await place.publish(Array.from({ length: 20 }, () => "1"));
      await reader.has(20);
      expect(new Set(reader.ids()).size).toBe(20);
      expect(Math.max(...reader.ids().map((id) => id.length))).toBeLessThanOrEqual(100);
    });

    it("R7 hands nothing over once it is stopped, and may be ended twice or before it began", async () => {
      const reader = await read();
      await place.publish(["a"]);
      await reader.has(1);
      await reader.source.stop();
      await place.publish(["b"]);
      await sleep(100);
      expect(reader.payloads()).toEqual(["a"]);
      reader.acknowledge(1);
      await reader.end();
      await reader.end();
      const next = await read();
      await next.has(1);
      expect(next.payloads()).toEqual(["b"]);
      const idle = place.make({});
      await idle.close();
      await idle.stop();
    });
  });
}

/** Keeps what a source hands over. */
class Reader {
  readonly source: Source;
  readonly problems: string[] = [];
  /** Acknowledges at once: systems have limits of their own for what is not. */
  isEager = false;
  #messages: SourceMessage[] = [];
  #acknowledged = 0;
  #changed: (() => void)[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  start(): Promise<void> {
    return this.source.start({
      receive: (message) => {
        this.#messages.push(message);
        if (this.isEager) this.acknowledge(1);
        for (const changed of this.#changed.splice(0)) changed();
      },
      problem: (message) => this.problems.push(message),
    });
  }

  payloads(): string[] {
    return this.#messages.map(({ payload }) => Buffer.from(payload).toString());
  }

  ids(): string[] {
    return this.#messages.map(({ id }) => id ?? "none");
  }

  /** Acknowledges the oldest that are not. */
  acknowledge(count: number): void {
    for (const message of this.#messages.slice(this.#acknowledged, this.#acknowledged + count))
      message.acknowledge();
    this.#acknowledged += count;
  }

  async has(count: number): Promise<void> {
    const until = Date.now() + waitMsMax;
    while (this.#messages.length < count) {
      if (Date.now() > until) throw new Error(`${this.#messages.length} messages of ${count} came`);
      const changed = new Promise<void>((resolve) => this.#changed.push(resolve));
      await Promise.race([changed, sleep(100)]);
    }
  }

  async end(): Promise<void> {
    await this.source.stop();
    await this.source.close();
  }
}

/** Long enough for a machine with other work; nothing is measured by it. */
const waitMsMax = 20_000;

const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `message ${index}`);
