import { FreshetError } from "@freshet/protocol";
import type { ServerContext } from "../context.ts";
import type { Route } from "./route.ts";

export function healthRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/healthz"],
      kind: "other",
      cors: false,
      handle: async () => ({ status: "alive", ...feedsOf(server) }),
    },
    {
      method: "GET",
      paths: ["/readyz"],
      kind: "other",
      cors: false,
      async handle() {
        if (server.isStopping()) throw new FreshetError("shuttingDown", "the server is stopping");
        if (server.ready?.() === false)
          throw new FreshetError("notReady", "the server is starting");
        return { status: "ready" };
      },
    },
  ];
}

/** A broker that is away is no reason to start the process again, so it is only said. */
function feedsOf({ feeds }: ServerContext) {
  const statuses = feeds?.() ?? [];
  if (statuses.length === 0) return {};
  return { feeds: statuses.map(({ name, isConnected }) => ({ name, isConnected })) };
}
