import type { ErrorCode, Json, JsonObject } from "@freshet/protocol";
import type { Corrects, DeadLetter } from "../core/event.ts";
import type { EventRecord } from "../core/record.ts";
import { acceptOpened } from "./accept.ts";
import { isObject } from "./field.ts";
import { type Frame, messageIn, schemaIdsOf } from "./frame/frame.ts";
import type { AcceptContext, CaptureShape, EventsInput } from "./request.ts";
import type { Source, Sources } from "./sources.ts";

export interface ResendOptions {
  readonly corrects: Corrects;
  /** What to read in place of the letter's own event. */
  readonly event?: Json;
  /** Somebody answers for what cannot be checked again: whose event it is, consent, and that no bot made it. */
  readonly isVouched: boolean;
}

/** The record of a letter's event, or why it is still refused. */
export type ResendOutcome =
  | { readonly kind: "event"; readonly record: EventRecord }
  | {
      readonly kind: "refused";
      readonly code: ErrorCode;
      readonly message: string;
      readonly path?: string;
    };

/**
 * A letter's event through accept again, as an event of its source, with its message id and the time that it would
 * have had then; everything else is asked of the plan, the settings and the tables of now.
 */
export function resend(
  letter: DeadLetter,
  context: AcceptContext,
  { corrects, event, isVouched }: ResendOptions,
): ResendOutcome {
  const code = vouchedCodes.find((one) => one === letter.code);
  if (code !== undefined && !isVouched)
    return { kind: "refused", code, message: `${letter.message}; it is sent only if vouched for` };
  const { shape, type, value, isOwn } = readable(letter, event);
  const frame = unreadIn(letter, value);
  const input: EventsInput = {
    shape,
    ...(type === undefined ? {} : { type }),
    // Accept may change what it is given, and this is what the letter keeps.
    events: [structuredClone(value)],
    source: sourceNamed(letter.source, context.sources),
    ...(letter.sentAt === undefined ? {} : { sentAt: letter.sentAt }),
    isVouched,
    resent: {
      corrects,
      id: letter.id,
      at: letter.at,
      isOwn,
      isImported: letter.form?.imported === true,
    },
  };
  const { records } = acceptOpened(
    frame === undefined ? { input } : { input, frames: [frame] },
    context,
  );
  const [record] = records;
  if (record === undefined) throw new Error("accept gave no record for an event");
  if (record.kind === "event") return { kind: "event", record };
  const { message, path } = record.letter;
  return {
    kind: "refused",
    // Every letter of accept has a code of the catalogue.
    code: record.letter.code as ErrorCode,
    message,
    ...(path === undefined ? {} : { path }),
  };
}

/** What has to be known of schemas before `resend` can read the letter's event, or the one in its place. */
export function schemaIdsOfLetter(letter: DeadLetter, event?: Json): readonly number[] {
  const frame = unreadIn(letter, event ?? letter.event);
  return frame === undefined ? [] : schemaIdsOf([frame]);
}

/** Also a message that is not even whole: its event is none without it. */
function unreadIn({ form }: DeadLetter, event: Json): Frame | undefined {
  return form?.unread === true ? messageIn(event) : undefined;
}

/** Refused for who sent it: a correction cannot show that this was wrong, only somebody who knows. */
const vouchedCodes: readonly ErrorCode[] = ["identityInvalid", "botRefused", "consentMissing"];

interface Readable {
  readonly shape: CaptureShape;
  readonly type?: NonNullable<DeadLetter["form"]>["type"];
  readonly value: Json;
  readonly isOwn: boolean;
}

/** How a letter's event, or the one in its place, is read. */
export function readable({ form, code, event }: DeadLetter, other?: Json): Readable {
  const value = other ?? event;
  const shape = form?.shape ?? (code === "planFunctionFailed" ? "accepted" : "either");
  if (shape === "accepted" && isObject(value))
    return { shape: "segment-batch", value: segmentOf(value), isOwn: true };
  if (form?.own === true && isObject(value))
    return { shape: "segment-batch", value: withGroup(value), isOwn: true };
  // A form of another version, or a row of a file: an event of either wire is what can be read.
  if (!isShape(shape)) return { shape: "either", value, isOwn: false };
  const type = form?.type;
  return { shape, ...(type === undefined ? {} : { type }), value, isOwn: form?.own === true };
}

const shapes: readonly CaptureShape[] = [
  ...(["segment-batch", "segment-single", "native", "either"] as const),
  ...(["cloudevent", "cloudevent-batch", "cloudevent-binary", "import-rows"] as const),
];
const isShape = (shape: string): shape is CaptureShape => shapes.some((one) => one === shape);

/** An event as the log had it, as an event of Segment's wire. */
function segmentOf(event: JsonObject): JsonObject {
  const { id: _id, name, time, source: _source, extra, joined: _joined, ...rest } = event;
  const {
    tables: _tables,
    imported: _imported,
    notes: _notes,
    corrects: _corrects,
    ...more
  } = rest;
  // Both are found out again, by the plan of now.
  const { version: _version, breach: _breach, ...own } = more;
  const outer = isObject(extra) ? extra : {};
  return withGroup({
    ...outer,
    ...own,
    ...(own.type === "track" && name !== undefined ? { event: name } : {}),
    ...(time === undefined ? {} : { timestamp: time }),
  });
}

/** On the wire a group's properties are its traits, and its id stands beside them. */
function withGroup(event: JsonObject): JsonObject {
  const { properties, traits, ...rest } = event;
  if (event.type !== "group" || !isObject(properties) || isObject(traits)) return event;
  const { groupId, ...own } = properties;
  return { ...rest, ...(groupId === undefined ? {} : { groupId }), traits: own };
}

/** A source that is not there any more, or never had a key, has the rules of ways in without a key. */
function sourceNamed(name: string, { list }: Sources): Source {
  return list.find((source) => source.name === name) ?? { name, writeKey: "", kind: "server" };
}
