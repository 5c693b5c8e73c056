import { FreshetError } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { readProfile } from "../../core/read.ts";
import { bearerOf, requireCurrent } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import type { StreamProfile } from "../stream.ts";
import { viewOf } from "../view.ts";
import { queryText, type Route } from "./route.ts";

export function streamRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/stream"],
      kind: "other",
      cors: true,
      isEndless: true,
      handle: (request, reply) => stream(server, request, reply),
    },
  ];
}

/** The token may come in the query: a browser's EventSource cannot set headers. */
async function stream(
  server: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const token = bearerOf(request) ?? queryText(request, "token");
  if (token === undefined) throw new FreshetError("tokenInvalid", "a profile token is needed");
  const { profileId, expiresAt } = await server.tokens.verify(token);
  requireCurrent(profileId, server.engine);
  server.hub.admit();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    // Proxies like nginx would gather events before passing them on.
    "x-accel-buffering": "no",
  });
  const read = () => readStream(server, profileId);
  server.hub.connect(reply.raw, { profileId, expiresAt, read });
  return reply;
}

function readStream(server: ServerContext, profileId: string): StreamProfile {
  const found = server.engine.profile(profileId);
  // Between a link and the word of it to the page, the profile is not the page's any more.
  const state = found?.profileId === profileId ? found.state : null;
  const options = { detail: false, stale: false };
  const answer = readProfile(viewOf(server, profileId, state), profileId, options);
  const { version, features, segments, asOf } = answer;
  return { profileId, version, features, segments, asOf };
}
