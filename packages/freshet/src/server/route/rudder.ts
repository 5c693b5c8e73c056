import { FreshetError, type JsonObject } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import type { ServerContext } from "../context.ts";
import { queryText, type Route } from "./route.ts";

/**
 * What RudderStack's browser SDK asks its `configUrl` for before it sends anything; the rest of what it needs are
 * paths of capture. It asks for `?view=ad` as well, to find out whether an ad blocker is in between.
 */
export function rudderRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/sourceConfig"],
      kind: "other",
      cors: true,
      handle: async (request) =>
        queryText(request, "view") === "ad" ? { success: true } : configFor(request, server),
    },
  ];
}

/** No destinations, so that the page loads no script of anybody; no statistics, so that it reports to nobody. */
function configFor(request: FastifyRequest, { sources }: ServerContext): JsonObject {
  const writeKey = basicKey(request) ?? queryText(request, "writeKey");
  if (writeKey === undefined)
    throw new FreshetError("keyMissing", "the request carries no write key");
  const source = sources.byKey.get(writeKey);
  if (source === undefined) throw new FreshetError("keyUnknown", "no source has this write key");
  const statsCollection = { errors: { enabled: false }, metrics: { enabled: false } };
  return {
    source: {
      id: source.name,
      name: source.name,
      writeKey,
      workspaceId: "freshet",
      enabled: true,
      config: { statsCollection },
      destinations: [],
    },
  };
}

function basicKey(request: FastifyRequest): string | undefined {
  const [, credentials] = /^basic\s+(.+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (credentials === undefined) return undefined;
  const [key = ""] = Buffer.from(credentials, "base64").toString("utf8").split(":");
  return key === "" ? undefined : key;
}
