import { type CaptureAnswer, FreshetError, type JsonObject } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import {
  type AcceptContext,
  type Accepted,
  acceptOpened,
  type CaptureShape,
  cloudEventShape,
  type Frames,
  framedMedia,
  openRequest,
  schemaIdsOf,
} from "../../accept/index.ts";
import type { EventType } from "../../core/event.ts";
import type { CaptureContext } from "../context.ts";
import { errorAnswer } from "../error.ts";
import { bodyOf, edgeHeaders, headerText, queryText, type Route } from "./route.ts";

interface Way {
  readonly names: readonly string[];
  readonly shape: CaptureShape;
  readonly type?: EventType;
}

const single = (type: EventType): Way => ({
  names: [type, type.slice(0, 1)],
  shape: "segment-single",
  type,
});

/** Each under `/v1/` and without it (WIRE section 1). */
const ways: readonly Way[] = [
  single("track"),
  single("identify"),
  single("page"),
  single("screen"),
  single("group"),
  single("alias"),
  { names: ["batch", "b", "import"], shape: "segment-batch" },
  { names: ["events"], shape: "native" },
  { names: ["beacon"], shape: "either" },
];

/** More paths of a way; RudderStack's pages send their beacons to this one. */
const otherPaths: { readonly [name: string]: readonly string[] } = {
  beacon: ["/beacon/v1/batch"],
};

export function captureRoutes(server: CaptureContext): readonly Route[] {
  return ways.map((way) => ({
    method: "POST",
    paths: way.names.flatMap((name) => [`/v1/${name}`, `/${name}`, ...(otherPaths[name] ?? [])]),
    kind: "capture",
    cors: true,
    handle: (request, reply) => capture(server, way, request, reply),
  }));
}

/** Answers 200 only when the log has every event of the request on disk (P1). */
async function capture(
  server: CaptureContext,
  way: Way,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const retryCount = headerText(request, "x-retry-count");
  noteRetry(server, retryCount);
  const accepted = await acceptRequest(server, way, request, retryCount);
  const receipt = await server.engine.append(accepted.records);
  return answer(accepted, receipt, reply);
}

/** A call of its own, so that nothing of the body is kept while the log is written. */
async function acceptRequest(
  server: CaptureContext,
  { shape, type }: Way,
  request: FastifyRequest,
  retryCount: string | undefined,
): Promise<Accepted> {
  const writeKey = queryText(request, "writeKey");
  const cloudEvent = shape === "native" ? cloudEventIn(request) : undefined;
  const context = server.acceptState.context();
  const opened = openRequest(
    {
      shape: cloudEvent?.shape ?? shape,
      ...(type === undefined ? {} : { type }),
      headers: {
        authorization: request.headers.authorization,
        contentType: request.contentTypeSent,
        contentEncoding: request.headers["content-encoding"],
        retryCount,
        ...edgeHeaders(request),
        cloudEvent: cloudEvent?.attributes,
      },
      query: writeKey === undefined ? {} : { writeKey },
      ...(shape === "native" ? aboutIn(request) : {}),
      body: bodyOf(request),
      remoteAddress: request.ip,
    },
    context,
  );
  const { frames } = opened;
  return acceptOpened(opened, frames === undefined ? context : await withSchemas(server, frames));
}

/** Once the schemas are known: the moment, the plan and the tables are those of then. */
async function withSchemas(
  { schemas, acceptState }: CaptureContext,
  frames: Frames,
): Promise<AcceptContext> {
  const table = await schemas.load(schemaIdsOf(frames));
  return { ...acceptState.context(), schemas: table };
}

/** What the query says of an event whose body is a message with a schema id. */
function aboutIn(request: FastifyRequest): { readonly about?: JsonObject } {
  if (framedMedia(request.contentTypeSent) === undefined) return {};
  const said = aboutFields.map((field) => [field, queryText(request, field)] as const);
  return { about: Object.fromEntries(said.filter(([, text]) => text !== undefined)) };
}

const aboutFields = [
  ...["event_id", "event_type", "user_id", "anonymous_id", "timestamp", "schema_version"],
];

/** How the request brings CloudEvents, where it does. */
function cloudEventIn(request: FastifyRequest) {
  const attributes = cloudEventHeaders(request.raw.headers);
  const shape = cloudEventShape(request.contentTypeSent, attributes);
  if (shape === "unknown") {
    const message = `CloudEvents are taken as JSON, but came as "${request.contentTypeSent?.slice(0, 100)}"`;
    throw new FreshetError("bodyShape", message, {
      hint: "send application/cloudevents+json or -batch+json, or the attributes as ce- headers",
    });
  }
  return shape === undefined ? undefined : { shape, attributes };
}

const noAttributes: ReadonlyMap<string, string> = new Map();

function cloudEventHeaders(headers: FastifyRequest["raw"]["headers"]): ReadonlyMap<string, string> {
  let attributes: Map<string, string> | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith("ce-") || typeof value !== "string") continue;
    attributes ??= new Map();
    attributes.set(name.slice(3), value);
  }
  return attributes ?? noAttributes;
}

function answer(accepted: Accepted, receipt: string, reply: FastifyReply): CaptureAnswer {
  const { rejected } = accepted;
  const whole = { success: true, accepted: accepted.accepted, rejected, receipt };
  const [first] = rejected;
  if (!accepted.singleRejected || first === undefined) return whole;
  reply.code(400);
  return { ...whole, ...errorAnswer(new FreshetError(first.code, first.message)) };
}

function noteRetry(server: CaptureContext, retryCount: string | undefined): void {
  const count = Number(retryCount ?? 0);
  if (Number.isSafeInteger(count) && count > 0) server.metrics.clientRetry(count);
}
