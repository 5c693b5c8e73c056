import { FreshetError, limits, type Rejection } from "@freshet/protocol";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import { type ParsedBody, readBody } from "./body.ts";
import { readBinaryEvent } from "./cloudevent-binary.ts";
import { plainAddress, sharedOf } from "./context.ts";
import { checkRate, openEdge, takeRate } from "./edge/run.ts";
import { openEnvelope } from "./envelope.ts";
import { acceptEvent, type RefusedEvent } from "./event.ts";
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
  const known = request.source ?? sourceOfHeader(request, context.sources);
  if (known !== undefined) checkEarly(request, known, context.now);
  const body = bodyOf(request);
  const envelope = openEnvelope(request.shape, body.value);
  const source =
    known ?? sourceOfBody(request, { value: body.value, events: envelope.events }, context.sources);
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
    surrogatesPossible: body.surrogatesPossible,
    ...(body.issues !== undefined && { issues: body.issues }),
  };
  return acceptEvents(input, context);
}

/** What can be refused before the body costs anything. */
function checkEarly(request: CaptureRequest, source: Source, now: number): void {
  requireOrigin(source, request.headers.origin);
  checkRate(source, { events: 1, address: plainAddress(request.remoteAddress), now });
}

function bodyOf({ shape, headers, body }: CaptureRequest): ParsedBody {
  return shape === "cloudevent-binary"
    ? readBinaryEvent(headers, body)
    : readBody(body, headers.contentEncoding);
}

/** The same for events that were parsed and whose source was found elsewhere. It may change them in place. */
export function acceptEvents(input: EventsInput, context: AcceptContext): Accepted {
  const { events } = input;
  if (events.length > limits.batchEventsMax) {
    const message = `the request has ${events.length} events; at most ${limits.batchEventsMax} are taken`;
    throw new FreshetError("batchTooLong", message);
  }
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
