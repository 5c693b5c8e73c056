/** Speaks to a running Freshet over a WebSocket, with nothing but the one that browsers and Node have. */
import type { Place } from "./client.ts";

// snippet: socket
interface Message {
  readonly events: readonly object[];
  readonly done: (receipt: string) => void;
  readonly failed: (error: Error) => void;
}

/**
 * Sends events in order and keeps them until they are acknowledged; after a cut they are sent again. The stream's name
 * stands for this counter: a process that starts to count again takes a new one.
 */
export class EventSocket {
  readonly #place: Place;
  readonly #stream = crypto.randomUUID();
  readonly #unacknowledged = new Map<number, Message>();
  #seq = 0;
  #socket: WebSocket | null = null;
  #isWelcome = false;
  #isClosed = false;

  constructor(place: Place) {
    this.#place = place;
    this.#connect();
  }

  /** Resolves with a receipt when the events are on the server's disk. */
  send(events: readonly object[]): Promise<string> {
    const seq = ++this.#seq;
    return new Promise((done, failed) => {
      this.#unacknowledged.set(seq, { events, done, failed });
      if (this.#isWelcome) this.#write(seq, events);
    });
  }

  /** After the last `send` has resolved. */
  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(`${this.#place.url.replace(/^http/, "ws")}/v1/socket`);
    this.#socket = socket;
    const hello = { stream: this.#stream, writeKey: this.#place.writeKey };
    socket.onopen = () => socket.send(JSON.stringify({ hello }));
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)));
    socket.onclose = () => {
      this.#isWelcome = false;
      if (!this.#isClosed) setTimeout(() => this.#connect(), 200 + Math.random() * 800);
    };
  }

  #hear(frame: Frame): void {
    if (frame.welcome !== undefined) {
      this.#isWelcome = true;
      for (const [seq, { events }] of this.#unacknowledged) this.#write(seq, events);
    }
    if (frame.ack !== undefined) this.#take(frame.ack)?.done(frame.receipt ?? "");
    // Without this, a message that can never be kept would be sent again for ever.
    if (frame.error?.seq !== undefined && !frame.error.retryable)
      this.#take(frame.error.seq)?.failed(new Error(frame.error.message));
  }

  #take(seq: number): Message | undefined {
    const message = this.#unacknowledged.get(seq);
    this.#unacknowledged.delete(seq);
    return message;
  }

  #write(seq: number, events: readonly object[]): void {
    this.#socket?.send(JSON.stringify({ seq, events, sentAt: new Date().toISOString() }));
  }
}

interface Frame {
  readonly welcome?: { readonly acknowledged: number; readonly window: number };
  readonly ack?: number;
  readonly receipt?: string;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly seq?: number;
  };
}
// end snippet
