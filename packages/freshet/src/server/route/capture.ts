import { type CaptureAnswer, FreshetError } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Accepted, accept, type CaptureShape } from "../../accept/index.ts";
import type { EventType } from "../../core/event.ts";
import type { ServerContext } from "../context.ts";
import { errorAnswer } from "../error.ts";
import { bodyOf, headerText, queryText, type Route } from "./route.ts";

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
];

export function captureRoutes(server: ServerContext): readonly Route[] {
  return ways.map((way) => ({
    method: "POST",
    paths: way.names.flatMap((name) => [`/v1/${name}`, `/${name}`]),
    kind: "capture",
    cors: true,
    handle: (request, reply) => capture(server, way, request, reply),
  }));
}

/** Answers 200 only when the log has every event of the request on disk (P1). */
async function capture(
  server: ServerContext,
  { shape, type }: Way,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const retryCount = headerText(request, "x-retry-count");
  noteRetry(server, retryCount);
  const writeKey = queryText(request, "writeKey");
  const accepted = accept(
    {
      shape,
      ...(type === undefined ? {} : { type }),
      headers: {
        authorization: request.headers.authorization,
        contentType: request.contentTypeSent,
        contentEncoding: request.headers["content-encoding"],
        retryCount,
      },
      query: writeKey === undefined ? {} : { writeKey },
      body: bodyOf(request),
      remoteAddress: request.ip,
    },
    server.acceptState.context(),
  );
  const receipt = await server.engine.append(accepted.records);
  return answer(accepted, receipt, reply);
}

function answer(accepted: Accepted, receipt: string, reply: FastifyReply): CaptureAnswer {
  const { rejected } = accepted;
  const whole = { success: true, accepted: accepted.accepted, rejected, receipt };
  const [first] = rejected;
  if (!accepted.singleRejected || first === undefined) return whole;
  reply.code(400);
  return { ...whole, ...errorAnswer(new FreshetError(first.code, first.message)) };
}

function noteRetry(server: ServerContext, retryCount: string | undefined): void {
  const count = Number(retryCount ?? 0);
  if (Number.isSafeInteger(count) && count > 0) server.metrics.clientRetry(count);
}
