import { FreshetError } from "@freshet/protocol";
import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { rowsOf } from "./list.ts";
import { pathText, type Route } from "./route.ts";

export function effectRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/effects/abandoned"],
      kind: "other",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        const limit = rowsOf(request, server.limits.listRowsMax);
        const effects = server.dispatcher
          .deadEffects(limit)
          .map(({ effect: { id, destination, rule, profileId, cause, fields }, ...why }) => {
            const { code, reason, at, attempts } = why;
            return {
              ...{ id, destination, rule, profileId, cause, fields },
              ...{ code, reason, at, attempts },
            };
          });
        return { effects, total: server.engine.outbox.abandonedCount };
      },
    },
    {
      method: "POST",
      paths: ["/v1/effects/abandoned/:id/retry"],
      kind: "other",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        const id = pathText(request, "id");
        if (server.dispatcher.retryAbandoned(id)) return { retried: true };
        throw new FreshetError("effectNotFound", `no abandoned effect is "${id.slice(0, 100)}"`);
      },
    },
  ];
}
