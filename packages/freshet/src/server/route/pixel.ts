import type { FastifyReply, FastifyRequest } from "fastify";
import { acceptPixel } from "../../accept/index.ts";
import type { EventType } from "../../core/event.ts";
import type { CaptureContext } from "../context.ts";
import { retryHeaders, toFreshetError } from "../error.ts";
import { headerText, type Route } from "./route.ts";

/** One transparent dot. */
const gif = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

const types: readonly EventType[] = ["track", "identify", "page", "screen", "group", "alias"];

/** Our own, and Segment's: `/v1/pixel/track?data=<base64 of the event>`. */
export function pixelRoutes(server: CaptureContext): readonly Route[] {
  const route = (path: string, type: EventType | undefined): Route => ({
    method: "GET",
    paths: [path],
    kind: "capture",
    cors: true,
    handle: (request, reply) => pixel(server, type, request, reply),
  });
  return [
    route("/v1/pixel.gif", undefined),
    ...types.map((type) => route(`/v1/pixel/${type}`, type)),
  ];
}

/**
 * An image whatever happens, since a broken one would be seen: what became of the event is in the status and in a
 * header. Link checkers ask for the head alone, which is no event.
 */
async function pixel(
  server: CaptureContext,
  type: EventType | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Buffer> {
  reply.type("image/gif").header("cross-origin-resource-policy", "cross-origin");
  if (request.method === "HEAD") return gif;
  try {
    const refused = await capture(server, type, request);
    if (refused !== undefined) reply.header(codeHeader, refused);
  } catch (thrown) {
    const error = toFreshetError(thrown, server.logger, server.randomId);
    reply
      .code(error.status)
      .headers({ ...retryHeaders(error.code, error.retryAfterSeconds), [codeHeader]: error.code });
  }
  return gif;
}

const codeHeader = "freshet-error";

/** The code of a refused event, which is a dead letter by then (P1 holds for those too). */
async function capture(
  server: CaptureContext,
  type: EventType | undefined,
  request: FastifyRequest,
): Promise<string | undefined> {
  await server.gate.hold();
  const [, query = ""] = /\?(.*)$/s.exec(request.url) ?? [];
  const accepted = acceptPixel(
    {
      query,
      type,
      referrer: headerText(request, "referer"),
      userAgent: headerText(request, "user-agent"),
      authorization: request.headers.authorization,
      remoteAddress: request.ip,
    },
    server.acceptState.context(),
  );
  await server.engine.append(accepted.records);
  return accepted.rejected[0]?.code;
}
