import type { Rejection } from "@freshet/protocol";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import { checkCount, contentOf } from "./content.ts";
import { plainAddress, sharedOf } from "./context.ts";
import { checkRate, openEdge, takeRate } from "./edge/run.ts";
import { acceptEvent, type RefusedEvent } from "./event.ts";
import { decodeFrames, withBareIssue } from "./frame/decode.ts";
import type { Frames } from "./frame/frame.ts";
import { putterOf } from "./frame/put.ts";
import type { SchemaTable } from "./frame/schema.ts";
import type { Issue } from "./issue.ts";
import { sourceOfBody, sourceOfHeader } from "./key.ts";
import { requireOrigin } from "./origin.ts";
import type {
  AcceptContext,
  Accepted,
  Batch,
  CaptureRequest,
  CaptureShape,
  EventsInput,
} from "./request.ts";
import type { Source } from "./sources.ts";
import { parseTime } from "./time.ts";

/**
 * From a request to log records, for every way in. Deterministic given its context. Throws FreshetError where
 * nothing of the request can be kept; an event that is refused alone becomes a dead letter instead.
 */
export function accept(request: CaptureRequest, context: AcceptContext): Accepted {
  return acceptOpened(openRequest(request, context), context);
}

/** A request that was read as far as it can be without the schemas of its messages. */
export interface OpenedRequest {
  readonly input: EventsInput;
  /** Absent where no event came as a message with a schema id. */
  readonly frames?: Frames;
}

/** The first half of `accept`: says which schemas the second one needs (`schemaIdsOf` of the frames). */
export function openRequest(request: CaptureRequest, context: AcceptContext): OpenedRequest {
  const known = request.source ?? sourceOfHeader(request, context.sources);
  if (known !== undefined) checkEarly(request, known, context.now);
  const { value, envelope, frames, surrogatesPossible, issues, idBase } = contentOf(request);
  const source =
    known ?? sourceOfBody(request, { value, events: envelope.events }, context.sources);
  if (known === undefined) requireOrigin(source, request.headers.origin);
  const input: EventsInput = {
    shape: request.shape,
    ...(request.type !== undefined && { type: request.type }),
    events: envelope.events,
    source,
    single: envelope.single,
    ...(envelope.context !== undefined && { context: envelope.context }),
    ...(envelope.integrations !== undefined && { integrations: envelope.integrations }),
    ...(envelope.sentAt !== undefined && { sentAt: envelope.sentAt }),
    ...(request.remoteAddress !== undefined && { remoteAddress: request.remoteAddress }),
    retryCount: request.headers.retryCount,
    userAgent: request.headers.userAgent,
    identityToken: request.headers.identityToken,
    surrogatesPossible,
    ...(issues !== undefined && { issues }),
    ...(idBase !== undefined && { idBase }),
  };
  return frames === undefined ? { input } : { input, frames };
}

/** The second half of `accept`. */
export function acceptOpened({ input, frames }: OpenedRequest, context: AcceptContext): Accepted {
  return acceptEvents(frames === undefined ? input : unpacked(input, frames, context), context);
}

/** With its messages read; nothing of it has touched the source's rate yet, so that it may be tried again. */
function unpacked(input: EventsInput, frames: Frames, { schemas }: AcceptContext): EventsInput {
  const { events, shape, source } = input;
  const read = decodeFrames({ frames, events }, schemas ?? noSchemas, putterOf(shape));
  // Everybody has a browser's key, and what codecs say tells what a schema is.
  const origins = source.kind === "browser" ? read.origins.map(withBareIssue) : read.origins;
  return { ...input, events: read.events, origins, surrogatesPossible: true };
}

const noSchemas: SchemaTable = new Map();

/** What can be refused before the body costs anything. */
function checkEarly(request: CaptureRequest, source: Source, now: number): void {
  requireOrigin(source, request.headers.origin);
  checkRate(source, { events: 1, address: plainAddress(request.remoteAddress), now });
}

/** The same for events that were parsed and whose source was found elsewhere. It may change them in place. */
export function acceptEvents(input: EventsInput, context: AcceptContext): Accepted {
  const { events } = input;
  checkCount(events);
  takeRate(input, plainAddress(input.remoteAddress), context.now);
  const batch = batchOf(input, context);
  const records: (EventRecord | DeadLetterRecord)[] = [];
  const rejected: Rejection[] = [];
  for (let index = 0; index < events.length; index++) {
    const outcome = acceptEvent(events[index] ?? null, index, batch);
    if (outcome.kind === "event") {
      records.push(outcome);
      continue;
    }
    records.push(outcome.record);
    rejected.push(rejectionOf(outcome, index));
  }
  return {
    records,
    accepted: records.length - rejected.length,
    rejected,
    source: input.source.name,
    singleRejected: isOwnShape(input.shape) && input.single === true && rejected.length > 0,
  };
}

/** Clients of these shapes look at the status; those of Segment's would send again, or give up the next ones. */
function isOwnShape(shape: CaptureShape): boolean {
  return shape === "native" || shape === "cloudevent" || shape === "cloudevent-binary";
}

function batchOf(input: EventsInput, context: AcceptContext): Batch {
  const sharedIssues: Issue[] = [...(input.issues ?? [])];
  return {
    input,
    context,
    shared: sharedOf(input, sharedIssues),
    sharedIssues,
    sentAtMs: parseTime(input.sentAt),
    ip: input.source.kind === "browser" ? plainAddress(input.remoteAddress) : undefined,
    edge: openEdge(input, context),
  };
}

function rejectionOf(refused: RefusedEvent, index: number): Rejection {
  const { id, message } = refused.record.letter;
  return { index, messageId: id, code: refused.code, message };
}
