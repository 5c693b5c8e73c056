import { FreshetError } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { requireOrigin, type Source, sourceOfHeader, sourceOfKey } from "../../accept/index.ts";
import type { ServerContext } from "../context.ts";
import { isUpgrade, takeUpgrade } from "../upgrade.ts";
import { edgeHeaders, queryText, type Route } from "./route.ts";

/** Capture over a WebSocket; the frames are in `socket/frame.ts`. */
export function socketRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/socket"],
      kind: "other",
      cors: false,
      isEndless: true,
      isUpgraded: true,
      handle: (request, reply) => open(server, request, reply),
    },
  ];
}

/** A key in header or query is checked here, so that a wrong one is a status; without one the hello brings it. */
async function open(
  server: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  if (!isUpgrade(request.raw))
    throw new FreshetError("requestShape", "this path takes a WebSocket, but a plain GET came");
  const { origin } = request.headers;
  const source = sourceOf(server, request);
  if (source !== undefined) requireOrigin(source, origin);
  server.sockets.admit();
  reply.hijack();
  const upgrade = takeUpgrade(request.raw, reply.raw);
  if (upgrade !== undefined)
    server.sockets.connect(upgrade, server, {
      ...{ source, ...edgeHeaders(request), remoteAddress: request.ip },
    });
  return reply;
}

function sourceOf(server: ServerContext, request: FastifyRequest): Source | undefined {
  const { authorization } = request.headers;
  const known = sourceOfHeader({ headers: { authorization } }, server.sources);
  const key = queryText(request, "writeKey");
  return known ?? (key === undefined ? undefined : sourceOfKey(key, server.sources));
}
