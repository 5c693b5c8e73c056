import { FreshetError, limits } from "@freshet/protocol";
import { type ParsedBody, readBody } from "./body.ts";
import { readBinaryEvent } from "./cloudevent-binary.ts";
import { type Envelope, openEnvelope } from "./envelope.ts";
import { type Frames, framesIn, framesOf } from "./frame/frame.ts";
import { type FramedMedia, framedMedia } from "./frame/media.ts";
import { inflate } from "./inflate.ts";
import type { CaptureRequest, CaptureShape } from "./request.ts";

/** A request's body as events, as far as they can be told without the schemas of its messages. */
export interface Content extends ParsedBody {
  readonly envelope: Envelope;
  /** Absent where no event has a message. */
  readonly frames?: Frames | undefined;
  /** As that of `EventsInput`. */
  readonly idBase?: string | undefined;
}

export function contentOf(request: CaptureRequest): Content {
  const { shape, headers, body } = request;
  const media = shape === "native" ? framedMedia(headers.contentType) : undefined;
  if (media !== undefined) return framedContent(request, media);
  const parsed =
    shape === "cloudevent-binary"
      ? readBinaryEvent(headers, body)
      : readBody(body, headers.contentEncoding);
  const envelope = openEnvelope(shape, parsed.value);
  const frames = isCloudEvent(shape) ? framesIn(envelope.events) : undefined;
  return { ...parsed, envelope, frames };
}

function isCloudEvent(shape: CaptureShape): boolean {
  return shape === "cloudevent" || shape === "cloudevent-batch" || shape === "cloudevent-binary";
}

/** What the query says holds for each of the messages, but for an id: several events of one id would be one. */
function framedContent({ headers, body, about = {} }: CaptureRequest, media: FramedMedia): Content {
  const frames = framesOf(inflate(body, headers.contentEncoding), media);
  checkCount(frames);
  const isSingle = media.framing === undefined;
  const { event_id: id, ...shared } = about;
  const known = isSingle ? about : shared;
  return {
    value: null,
    envelope: { events: frames.map(() => known), single: isSingle },
    frames,
    surrogatesPossible: true,
    ...(!isSingle && typeof id === "string" ? { idBase: id } : {}),
  };
}

export function checkCount({ length }: readonly unknown[]): void {
  if (length <= limits.batchEventsMax) return;
  const message = `the request has ${length} events; at most ${limits.batchEventsMax} are taken`;
  throw new FreshetError("batchTooLong", message);
}
