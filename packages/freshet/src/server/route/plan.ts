import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import type { Route } from "./route.ts";

export function planRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/plan"],
      kind: "other",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        const { definition, hash } = server.plan().plan;
        const manifest = server.engine.manifest.map((entry) => ({
          epoch: entry.epoch,
          fromOffset: entry.fromOffset,
          hash: entry.hash,
          at: entry.at,
        }));
        return { hash, epoch: server.engine.epoch, definition, manifest };
      },
    },
  ];
}
