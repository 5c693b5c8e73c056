import { FreshetError, limits, type Rejection } from "@freshet/protocol";
import type { DeadLetterRecord, EventRecord } from "../core/record.ts";
import { readBody } from "./body.ts";
import { plainAddress, sharedOf } from "./context.ts";
import { openEnvelope } from "./envelope.ts";
import { acceptEvent, type RefusedEvent } from "./event.ts";
import type { Issue } from "./issue.ts";
import { sourceOfBody, sourceOfHeader } from "./key.ts";
import type { AcceptContext, Accepted, Batch, CaptureRequest, EventsInput } from "./request.ts";
import { parseTime } from "./time.ts";

/**
 * From a request to log records, for every way in. Deterministic given its context. Throws FreshetError where
 * nothing of the request can be kept; an event that is refused alone becomes a dead letter instead.
 */
export function accept(request: CaptureRequest, context: AcceptContext): Accepted {
  const known = request.source ?? sourceOfHeader(request, context.sources);
  const body = readBody(request.body, request.headers.contentEncoding);
  const envelope = openEnvelope(request.shape, body.value);
  const source =
    known ?? sourceOfBody(request, { value: body.value, events: envelope.events }, context.sources);
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
    surrogatesPossible: body.surrogatesPossible,
  };
  return acceptEvents(input, context);
}

/** The same for events that were parsed and whose source was found elsewhere. It may change them in place. */
export function acceptEvents(input: EventsInput, context: AcceptContext): Accepted {
  const { events } = input;
  if (events.length > limits.batchEventsMax) {
    const message = `the request has ${events.length} events; at most ${limits.batchEventsMax} are taken`;
    throw new FreshetError("batchTooLong", message);
  }
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
    singleRejected: input.shape === "native" && input.single === true && rejected.length > 0,
  };
}

function batchOf(input: EventsInput, context: AcceptContext): Batch {
  const sharedIssues: Issue[] = [];
  return {
    input,
    context,
    shared: sharedOf(input, sharedIssues),
    sharedIssues,
    sentAtMs: parseTime(input.sentAt),
    ip: input.source.kind === "browser" ? plainAddress(input.remoteAddress) : undefined,
  };
}

function rejectionOf(refused: RefusedEvent, index: number): Rejection {
  const { id, message } = refused.record.letter;
  return { index, messageId: id, code: refused.code, message };
}
