import { type ErrorCode, type Json, type JsonObject, limits } from "@freshet/protocol";
import type { AcceptedEvent, LetterForm } from "../core/event.ts";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import { contextOf, withoutToken, withShared } from "./context.ts";
import type { Verdict } from "./contract/policy.ts";
import type { Draft } from "./draft.ts";
import { bare, isCareful, type Kept, type Passed, passEdge } from "./edge/pass.ts";
import type { Content } from "./edge/privacy.ts";
import { enrich } from "./enrich.ts";
import { isEmpty, isObject } from "./field.ts";
import { type DerivedId, deriveId } from "./id.ts";
import { type Issue, show } from "./issue.ts";
import { countJudged, judgeDraft } from "./judge.ts";
import { deadLetterOf } from "./letter.ts";
import { readDraft } from "./read-draft.ts";
import type { Batch, CaptureShape, EventsInput } from "./request.ts";
import { isSegmentEvent } from "./segment.ts";
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
  const origin = batch.input.origins?.[index];
  // First, since the rest of an unread event is not what its client sent.
  const issues = origin?.issue === undefined ? [] : [origin.issue];
  issues.push(...batch.sharedIssues);
  const notes = origin?.schemaId === undefined ? [] : [`schemaId:${origin.schemaId}`];
  const event = batch.shared === undefined ? raw : withShared(raw, batch.shared);
  const checked = validate(event, batch.input.surrogatesPossible ?? true, issues);
  if (origin?.issue === undefined) checkBytes(raw, checked, issues);
  if (checked.protoDropped) notes.push("protoDropped");
  const draft = readDraft(event, batch.input, issues);
  const timing = timeInput(draft, event, batch);
  const time = readTime(timing, issues, notes);
  if (draft.userId === undefined && draft.anonymousId === undefined)
    issues.push(noIdentifier(event, batch.input.shape));
  const kept = batch.input.resent?.id;
  // What was unread when it was refused could not say its own id.
  const given = origin === undefined ? (kept ?? draft.messageId) : (draft.messageId ?? kept);
  const derived = given === undefined ? derive(event, draft, index, batch) : undefined;
  if (derived !== undefined) notes.push(derived.note);
  const id = given ?? derived?.id ?? "";
  noteRetries(draft, batch, notes);
  const judged = issues.length === 0 ? judgeDraft(draft, event, batch) : undefined;
  const passed = passOf(draft, { issue: issues[0], verdict: judged?.verdict }, batch);
  if (judged !== undefined) countJudged(judged, passed, batch);
  if (passed.kind === "refused") {
    const whole = keptOf(passed.kept, event, { draft, id });
    const { bytesAtMost } = passed.kept === "event" ? checked : unmeasured;
    const isUnread = passed.issue.isUnread === true;
    const found = { draft, time, sentAt: timing.sentAtMs, isUnread };
    const about = aboutOf(passed.kept, found, batch.input);
    return refuse(whole, { id, issue: passed.issue, batch, bytesAtMost, about });
  }
  for (const note of passed.notes) notes.push(note);
  const found = { draft, content: passed.content, id, time, notes, verdict: judged?.verdict };
  return stampEvent(finish(found, batch), stampOf(batch));
}

interface Wrong {
  /** What is wrong with the event itself. */
  readonly issue: Issue | undefined;
  /** What its contract says, where nothing else is wrong. */
  readonly verdict: Verdict | undefined;
}

function passOf(draft: Draft, { issue, verdict }: Wrong, batch: Batch): Passed {
  const context = contextOf(draft.context, batch);
  const broken = verdict?.kind === "refused" ? verdict : undefined;
  const wrong = issue ?? broken?.issue;
  const keeps = broken?.keeps ?? "event";
  if (batch.edge !== undefined)
    return passEdge({ draft, context, issue: wrong, keeps }, batch.edge);
  if (wrong !== undefined) return { kind: "refused", issue: wrong, kept: "event" };
  const { userId, anonymousId, properties, traits, extra } = draft;
  const content = { userId, anonymousId, properties, traits, context, extra };
  return { kind: "taken", content, notes: noNotes };
}

const noNotes: readonly string[] = [];

/** What a dead letter keeps of an event. */
function keptOf(kept: Kept, event: JsonObject, { draft, id }: Pick<Found, "draft" | "id">): Json {
  if (kept === "event") return withoutSecrets(event);
  if ("name" in kept) return { event: kept.name };
  const { extra, ...content } = kept.content;
  const { type, name, timestamp } = draft;
  const whole = { ...extra, type, event: name, messageId: id, timestamp, ...content };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
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

function timeInput(draft: Draft, event: JsonObject, batch: Batch): Parameters<typeof readTime>[0] {
  const imported = batch.input.shape === "import-rows";
  const sentAtMs =
    batch.sentAtMs ?? (event.sentAt === undefined ? undefined : parseTime(event.sentAt));
  return {
    timestamp: draft.timestamp,
    field: draft.timestampField,
    // History was not sent when it happened: the gap is not a wrong clock.
    sentAtMs: imported ? undefined : sentAtMs,
    now: batch.input.resent?.at ?? batch.context.now,
  };
}

function noIdentifier(event: JsonObject, shape: CaptureShape): Issue {
  return {
    code: "identifierMissing",
    message: `${identifierFields(event, shape)} should be a non-empty text, but none is`,
  };
}

function identifierFields(event: JsonObject, shape: CaptureShape): string {
  switch (shape) {
    case "segment-batch":
    case "segment-single":
      return '"userId" or "anonymousId"';
    case "cloudevent":
    case "cloudevent-batch":
    case "cloudevent-binary":
      return '"userid", "anonymousid" or "subject"';
    case "either":
      return identifierFields(event, isSegmentEvent(event) ? "segment-batch" : "native");
    case "native":
    case "import-rows":
      return '"user_id" or "anonymous_id"';
  }
}

function derive(event: JsonObject, draft: Draft, index: number, batch: Batch): DerivedId {
  const { idBase } = batch.input;
  if (idBase !== undefined) return { id: `${idBase}:${index}`, note: "idDerived" };
  const timed = draft.timestamp !== undefined && draft.timestamp !== null;
  return deriveId(event, { index, timed }, batch.context.randomId);
}

function noteRetries(draft: Draft, batch: Batch, notes: string[]): void {
  const sent = draft.retryCount ?? batch.input.retryCount;
  if (sent === undefined) return;
  const count = Number(sent);
  if (Number.isSafeInteger(count) && count > 0) notes.push(`retryCount:${count}`);
}

/** Absent instead of undefined, so that nothing is stored that says nothing. */
type Open<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

interface Found {
  readonly draft: Draft;
  readonly content: Content;
  readonly id: string;
  readonly time: number;
  readonly notes: readonly string[];
  readonly verdict?: Verdict | undefined;
}

function finish(found: Found, batch: Batch): AcceptedEvent {
  const { draft, content, id, time } = found;
  const { userId, anonymousId, traits, context, extra } = content;
  const event: Open<AcceptedEvent> = {
    id,
    type: draft.type,
    name: draft.name,
    time,
    source: batch.input.source.name,
    properties: content.properties,
  };
  if (userId !== undefined) event.userId = userId;
  if (anonymousId !== undefined) event.anonymousId = anonymousId;
  if (traits !== undefined && !isEmpty(traits)) event.traits = traits;
  if (context !== undefined && !isEmpty(context)) event.context = context;
  if (extra !== undefined && !isEmpty(extra)) event.extra = extra;
  const verdict = found.verdict?.kind === "taken" ? found.verdict : undefined;
  if (verdict !== undefined && verdict.version !== 1) event.version = verdict.version;
  if (verdict?.breach !== undefined) event.breach = verdict.breach;
  const notes = verdict?.note === undefined ? found.notes : [...found.notes, verdict.note];
  const { resent } = batch.input;
  if (batch.input.shape === "import-rows" || resent?.isImported === true) event.imported = true;
  if (resent !== undefined) event.corrects = resent.corrects;
  if (notes.length > 0 || resent !== undefined)
    event.notes = resent === undefined ? notes : [...notes, "corrected"];
  enrich(event, batch.context);
  return event;
}

/** A letter is read by people and exported: what opens the door has no place in it. */
function withoutSecrets(event: JsonObject): JsonObject {
  const { writeKey: _key, ...rest } = event;
  const { context } = rest;
  return isObject(context) ? { ...rest, context: withoutToken(context) } : rest;
}

interface Refusal {
  readonly id: string;
  readonly issue: Issue;
  readonly batch: Batch;
  readonly bytesAtMost: number;
  readonly about?: About;
}

/** What of an event its letter keeps beside it, so that it can be read again as it was. */
interface About {
  readonly name?: string;
  readonly time?: number;
  readonly sentAt?: number;
  readonly form?: LetterForm;
}

interface Timed {
  readonly draft: Draft;
  readonly time: number;
  readonly sentAt: number | undefined;
  readonly isUnread: boolean;
}

function aboutOf(
  kept: Kept,
  { draft: { name }, time, sentAt, isUnread }: Timed,
  { shape, type }: EventsInput,
): About {
  if (kept !== "event" && "name" in kept) return { name };
  const imported = shape === "import-rows" && ({ imported: true } as const);
  const form: LetterForm =
    kept === "event"
      ? { shape, ...(type !== undefined && { type }), ...imported, ...(isUnread && unread) }
      : { shape: "segment-batch", own: true, ...imported };
  return { name, time, ...(sentAt !== undefined && { sentAt }), form };
}

const unread = { unread: true } as const;
const unmeasured = { bytesAtMost: Number.POSITIVE_INFINITY };

function refuse(event: Json, { id, issue, batch, bytesAtMost, about }: Refusal): RefusedEvent {
  const letter = deadLetterOf({
    ...about,
    id,
    issue,
    source: batch.input.source.name,
    at: batch.context.now,
    event,
    bytesAtMost,
  });
  return { kind: "refused", record: stampLetter(letter, stampOf(batch)), code: issue.code };
}

/** What is no object has no timestamp either, so its id is random (DESIGN 3, rule 4). */
function refuseValue(value: Json, batch: Batch): RefusedEvent {
  const message = `an event should be an object, but came as ${show(value)}`;
  const issue: Issue = { code: "eventNotObject", message };
  const id = batch.context.randomId();
  if (batch.edge === undefined || !isCareful(batch.edge.edge))
    return refuse(value, { id, issue, batch, ...unmeasured });
  return refuse({}, { id, issue: bare(issue), batch, ...unmeasured });
}

function stampOf(batch: Batch): { readonly at: number; readonly partitions: number } {
  return { at: batch.context.now, partitions: batch.context.partitions };
}
