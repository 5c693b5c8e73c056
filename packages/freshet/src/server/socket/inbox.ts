import { limits } from "@freshet/protocol";
import type { Gate } from "../gate.ts";

/**
 * Messages of one connection that wait, with the gate's count of them: whole ones by their bytes, and one that is still
 * coming by the most that it may become once it is longer than a read or two (K3).
 */
export class Inbox {
  readonly #gate: Gate;
  readonly #bytesMax: number;
  #waiting: Buffer[] = [];
  #bytes = 0;
  /** Bytes that came since the last whole message. */
  #partBytes = 0;
  #partCharged = 0;

  constructor(gate: Gate, bytesMax: number) {
    this.#gate = gate;
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get isFull(): boolean {
    return this.#waiting.length >= limits.socketWindowMessages || this.#bytes >= this.#bytesMax;
  }

  /** Bytes as the connection gets them. Throws `overloaded` where the gate takes no more, as `push` does. */
  countPart(bytes: number): void {
    this.#partBytes += bytes;
    if (this.#partCharged > 0 || this.#partBytes <= partBytesMax) return;
    this.#gate.charge(limits.bodyBytesMax);
    this.#partCharged = limits.bodyBytesMax;
  }

  /** What came in parts is a whole message by now. */
  endPart(): void {
    this.#partBytes = 0;
    this.#gate.release(this.#partCharged);
    this.#partCharged = 0;
  }

  push(message: Buffer): void {
    this.#gate.charge(message.length);
    this.#waiting.push(message);
    this.#bytes += message.length;
  }

  /** The next message where it is at most this long; it stays counted until `release`. */
  shift(bytesMax: number): Buffer | undefined {
    const next = this.#waiting[0];
    if (next === undefined || next.length > bytesMax) return undefined;
    this.#waiting.shift();
    this.#bytes -= next.length;
    return next;
  }

  release(bytes: number): void {
    this.#gate.release(bytes);
  }

  clear(): void {
    this.#gate.release(this.#bytes);
    this.#waiting = [];
    this.#bytes = 0;
    this.endPart();
  }
}

/** Above what one read of a socket brings, so that only messages of several reads are counted before they end. */
const partBytesMax = 128 * 1024;
