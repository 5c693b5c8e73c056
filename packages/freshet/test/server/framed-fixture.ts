import type { Json } from "@freshet/protocol";
import type { AcceptedEvent } from "../../src/core/event.ts";
import {
  type CodecOptions,
  frame,
  parseSchema,
  payloadCodecOf,
  type SchemaType,
} from "../../src/schema/index.ts";
import { type Answer, ask, basic, type Fixture, writeKey } from "./fixture.ts";
import { type RegistryFixture, register } from "./registry-fixture.ts";

export const types = {
  any: "application/vnd.freshet.framed",
  AVRO: "application/avro",
  PROTOBUF: "application/x-protobuf",
} as const;

/** A schema that is registered, and writes messages. */
export interface Writer {
  readonly id: number;
  write(value: Json): Uint8Array;
}

export async function writerOf(
  fixture: RegistryFixture,
  schemaType: SchemaType,
  schema: string,
  options: CodecOptions = {},
): Promise<Writer> {
  const id = await register(fixture, `${schemaType}-${schema.length}`, { schema, schemaType });
  return localWriter(id, schemaType, schema, options);
}

/** The same without a word to the registry. */
export function localWriter(
  id: number,
  schemaType: SchemaType,
  schema: string,
  options: CodecOptions = {},
): Writer {
  const codec = payloadCodecOf(parseSchema(schemaType, schema), options);
  return { id, write: (value) => frame(id, codec.encode(value)) };
}

export interface Post {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Write key; that of a browser unless said. */
  readonly key?: string;
}

export function post(
  fixture: Pick<Fixture, "app">,
  type: string,
  body: Uint8Array | string,
  { query = "", headers = {}, key = writeKey }: Post = {},
): Promise<Answer> {
  return ask(fixture, `/v1/events${query}`, {
    headers: { ...basic(key), "content-type": type, ...headers },
    body,
  });
}

/** Each message after its length in four bytes. */
export function prefixed(messages: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(message.length);
      return [length, message];
    }),
  );
}

/** The events that the log has by now, in its order. */
export async function loggedEvents({ engine }: Pick<Fixture, "engine">): Promise<AcceptedEvent[]> {
  await engine.drain();
  const events: AcceptedEvent[] = [];
  for (let offset = 0; offset < engine.status().nextOffset; offset++) {
    const record = engine.record(offset);
    if (record?.kind === "event") events.push(record.event);
  }
  return events;
}

export function isBalanced({ engine }: Pick<Fixture, "engine">): boolean {
  const { received, applied, duplicate, rejected, inFlight } = engine.ledger();
  return received === applied + duplicate + rejected + inFlight;
}
