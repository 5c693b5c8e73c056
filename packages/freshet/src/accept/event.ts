import { type ErrorCode, type Json, type JsonObject, limits } from "@freshet/protocol";
import type { AcceptedEvent } from "../core/event.ts";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import { contextOf, withShared } from "./context.ts";
import type { Draft } from "./draft.ts";
import { enrich } from "./enrich.ts";
import { isEmpty, isObject } from "./field.ts";
import { type DerivedId, deriveId } from "./id.ts";
import { type Issue, show } from "./issue.ts";
import { deadLetterOf } from "./letter.ts";
import { readNative } from "./native.ts";
import type { Batch } from "./request.ts";
import { readSegment } from "./segment.ts";
import { stampEvent, stampLetter } from "./stamp.ts";
import { parseTime, readTime } from "./time.ts";
import { bytesOf, type Checked, validate } from "./validate.ts";

export type Outcome = EventRecord | RefusedEvent;

export interface RefusedEvent {
  readonly kind: "refused";
  readonly record: DeadLetterRecord;
  readonly code: ErrorCode;
}

/** One event of a request: its record for the log, taken or refused. */
export function acceptEvent(raw: Json, index: number, batch: Batch): Outcome {
  if (!isObject(raw)) return refuseValue(raw, batch);
  const issues: Issue[] = [...batch.sharedIssues];
  const notes: string[] = [];
  const event = batch.shared === undefined ? raw : withShared(raw, batch.shared);
  const checked = validate(event, batch.input.surrogatesPossible ?? true, issues);
  checkBytes(raw, checked, issues);
  if (checked.protoDropped) notes.push("protoDropped");
  const draft = readDraft(event, batch, issues);
  const time = readTime(timeInput(draft, event, batch), issues, notes);
  if (draft.userId === undefined && draft.anonymousId === undefined)
    issues.push(noIdentifier(batch));
  const derived = draft.messageId === undefined ? derive(event, draft, index, batch) : undefined;
  if (derived !== undefined) notes.push(derived.note);
  const id = draft.messageId ?? derived?.id ?? "";
  noteRetries(draft, batch, notes);
  const issue = issues[0] ?? checkContract(draft, batch);
  if (issue !== undefined) return refuse(withoutKey(event), { id, issue, batch, checked });
  return stampEvent(finish({ draft, id, time, notes }, batch), stampOf(batch));
}

/** Counts what the client sent as this event, without what its batch adds to it. */
function checkBytes(raw: JsonObject, checked: Checked, issues: Issue[]): void {
  if (checked.bytesAtMost <= limits.eventBytesMax) return;
  const bytes = bytesOf(raw);
  if (bytes <= limits.eventBytesMax) return;
  const message = `the event should be at most ${limits.eventBytesMax} bytes as JSON, but is ${bytes}`;
  // First, because the cause of whatever else is wrong may be the size.
  issues.unshift({ code: "eventTooLarge", message });
}

function readDraft(event: JsonObject, batch: Batch, issues: Issue[]): Draft {
  switch (batch.input.shape) {
    case "segment-batch":
      return readSegment(event, undefined, issues);
    case "segment-single":
      return readSegment(event, batch.input.type, issues);
    case "native":
    case "import-rows":
      return readNative(event, issues);
  }
}

function timeInput(draft: Draft, event: JsonObject, batch: Batch): Parameters<typeof readTime>[0] {
  const imported = batch.input.shape === "import-rows";
  const sentAtMs =
    batch.sentAtMs ?? (event.sentAt === undefined ? undefined : parseTime(event.sentAt));
  return {
    timestamp: draft.timestamp,
    field: draft.timestampField,
    // History was not sent when it happened: the gap is not a wrong clock.
    sentAtMs: imported ? undefined : sentAtMs,
    now: batch.context.now,
  };
}

function noIdentifier(batch: Batch): Issue {
  const segment = batch.input.shape === "segment-batch" || batch.input.shape === "segment-single";
  const fields = segment ? '"userId" or "anonymousId"' : '"user_id" or "anonymous_id"';
  return {
    code: "identifierMissing",
    message: `${fields} should be a non-empty text, but neither is`,
  };
}

function derive(event: JsonObject, draft: Draft, index: number, batch: Batch): DerivedId {
  const timed = draft.timestamp !== undefined && draft.timestamp !== null;
  return deriveId(event, { index, timed }, batch.context.randomId);
}

function noteRetries(draft: Draft, batch: Batch, notes: string[]): void {
  const sent = draft.retryCount ?? batch.input.retryCount;
  if (sent === undefined) return;
  const count = Number(sent);
  if (Number.isSafeInteger(count) && count > 0) notes.push(`retryCount:${count}`);
}

function checkContract(draft: Draft, batch: Batch): Issue | undefined {
  const content = draft.type === "identify" ? (draft.traits ?? {}) : draft.properties;
  return batch.context.contracts.check(draft.name, content, draft.contractField);
}

/** Absent instead of undefined, so that nothing is stored that says nothing. */
type Open<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

interface Found {
  readonly draft: Draft;
  readonly id: string;
  readonly time: number;
  readonly notes: readonly string[];
}

function finish({ draft, id, time, notes }: Found, batch: Batch): AcceptedEvent {
  const event: Open<AcceptedEvent> = {
    id,
    type: draft.type,
    name: draft.name,
    time,
    source: batch.input.source.name,
    properties: draft.properties,
  };
  if (draft.userId !== undefined) event.userId = draft.userId;
  if (draft.anonymousId !== undefined) event.anonymousId = draft.anonymousId;
  if (draft.traits !== undefined && !isEmpty(draft.traits)) event.traits = draft.traits;
  const context = contextOf(draft.context, batch);
  if (context !== undefined) event.context = context;
  if (draft.extra !== undefined) event.extra = draft.extra;
  if (batch.input.shape === "import-rows") event.imported = true;
  if (notes.length > 0) event.notes = notes;
  enrich(event, batch.context);
  return event;
}

/** A letter is read by people and exported: what opens the door has no place in it. */
function withoutKey(event: JsonObject): JsonObject {
  if (!Object.hasOwn(event, "writeKey")) return event;
  const { writeKey: _key, ...rest } = event;
  return rest;
}

interface Refusal {
  readonly id: string;
  readonly issue: Issue;
  readonly batch: Batch;
  readonly checked: Pick<Checked, "bytesAtMost">;
}

function refuse(event: Json, { id, issue, batch, checked }: Refusal): RefusedEvent {
  const letter = deadLetterOf({
    id,
    issue,
    source: batch.input.source.name,
    at: batch.context.now,
    event,
    bytesAtMost: checked.bytesAtMost,
  });
  return { kind: "refused", record: stampLetter(letter, stampOf(batch)), code: issue.code };
}

/** What is no object has no timestamp either, so its id is random (DESIGN 3, rule 4). */
function refuseValue(value: Json, batch: Batch): RefusedEvent {
  const message = `an event should be an object, but came as ${show(value)}`;
  const issue: Issue = { code: "eventNotObject", message };
  const checked = { bytesAtMost: Number.POSITIVE_INFINITY };
  return refuse(value, { id: batch.context.randomId(), issue, batch, checked });
}

function stampOf(batch: Batch): { readonly at: number; readonly partitions: number } {
  return { at: batch.context.now, partitions: batch.context.partitions };
}
