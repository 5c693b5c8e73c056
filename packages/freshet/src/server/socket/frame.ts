import {
  FreshetError,
  type Json,
  type JsonObject,
  limits,
  type Rejection,
} from "@freshet/protocol";
import { readBody } from "../../accept/index.ts";
import { errorAnswer } from "../error.ts";
import { isObject } from "../json.ts";

/** What a client says first. */
export interface Hello {
  /** The client's own name for its sequence of messages; the same one after it has reconnected. */
  readonly stream: string;
  readonly writeKey: string | undefined;
  readonly shape: SocketShape;
}

/** The form of the events in all messages of a connection. */
export type SocketShape = "native" | "segment";

export interface Message {
  readonly seq: number;
  readonly events: readonly Json[];
  /** Merged into each event; the event wins. */
  readonly context: Json | undefined;
  readonly sentAt: Json | undefined;
  readonly surrogatesPossible: boolean;
}

/** Throws FreshetError with what was expected and what came, as `readMessage` does. */
export function readHello(bytes: Uint8Array): Hello {
  const { value } = readBody(bytes, undefined);
  const hello = isObject(value) ? value.hello : undefined;
  if (!isObject(hello)) throw wrong('the first frame should be { "hello": { "stream": ... } }');
  const { stream, writeKey, shape = "native" } = hello;
  const charsMax = limits.socketStreamCharsMax;
  if (typeof stream !== "string" || !/^[\x21-\x7e]+$/.test(stream) || stream.length > charsMax)
    throw wrong(`"stream" should be 1 to ${charsMax} visible ASCII characters`);
  if (shape !== "native" && shape !== "segment")
    throw wrong('"shape" should be "native" or "segment"');
  return { stream, shape, writeKey: typeof writeKey === "string" ? writeKey : undefined };
}

/** `after` is the sequence number before it on this connection; null for the first, which begins where it likes. */
export function readMessage(bytes: Uint8Array, after: number | null): Message {
  const { value, surrogatesPossible } = readBody(bytes, undefined);
  const message: JsonObject = isObject(value) ? value : {};
  const { seq, events, context, sentAt } = message;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 1)
    throw wrong('a message should be { "seq": <whole number from 1>, "events": [...] }');
  if (after !== null && seq !== after + 1)
    throw wrong(`the message after ${after} should have "seq" ${after + 1}, but has ${seq}`);
  if (!Array.isArray(events)) throw wrong(`"events" of message ${seq} should be a list`);
  return { seq, events: events as readonly Json[], context, sentAt, surrogatesPossible };
}

export function wrong(message: string): FreshetError {
  return new FreshetError("socketFrame", message);
}

export interface Welcome {
  readonly stream: string;
  /** The last message of the stream that this process remembers to have acknowledged; 0 for none. */
  readonly acknowledged: number;
}

export function welcomeFrame({ stream, acknowledged }: Welcome): string {
  const { socketWindowMessages: window, bodyBytesMax: frameBytesMax } = limits;
  return JSON.stringify({ welcome: { stream, acknowledged, window, frameBytesMax } });
}

export interface Acknowledgement {
  readonly seq: number;
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
  readonly receipt: string;
}

export function ackFrame({ seq, accepted, rejected, receipt }: Acknowledgement): string {
  return JSON.stringify({ ack: seq, accepted, rejected, receipt });
}

/** `seq` is there where one message is at fault: without it the client would send it again for ever. */
export function errorFrame(error: FreshetError, seq: number | undefined): string {
  return JSON.stringify({
    error: { ...errorAnswer(error).error, ...(seq === undefined ? {} : { seq }) },
  });
}

/** Why a connection ends, beside the codes of the WebSocket standard. 4400 to 4499 are read like HTTP's. */
export function closeCodeOf(error: FreshetError): number {
  switch (error.code) {
    case "shuttingDown":
      return 1001;
    case "socketReplaced":
      return 4409;
    case "requestTimeout":
      return 4408;
    case "keyMissing":
    case "keyUnknown":
      return 4401;
    default:
      if (error.status === 401) return 4403;
      return error.retryable ? 1013 : 4400;
  }
}
