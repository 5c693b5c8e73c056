import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { rowsOf, wholeNumber } from "./list.ts";
import type { Route } from "./route.ts";

export function deadLetterRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/dead-letters"],
      kind: "other",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        const { deadLetters } = server.engine;
        const before = wholeNumber(request, "before");
        const limit = rowsOf(request, server.limits.listRowsMax);
        const listed = deadLetters.list({ limit, ...(before === undefined ? {} : { before }) });
        return { deadLetters: listed, total: deadLetters.count };
      },
    },
  ];
}
