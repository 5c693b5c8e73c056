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
      handle: async () => ({ status: "alive" }),
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
