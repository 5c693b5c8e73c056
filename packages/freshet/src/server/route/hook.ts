import type { FastifyRequest } from "fastify";
import { acceptHook, type Hooks } from "../../accept/index.ts";
import type { ServerContext } from "../context.ts";
import { bodyOf, pathText, type Route } from "./route.ts";

const none: Hooks = new Map();

/** Deliveries of third parties. They look at the status alone: whatever is kept is 200, also as a dead letter. */
export function hookRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "POST",
      paths: ["/v1/hooks/:name"],
      kind: "capture",
      cors: false,
      async handle(request) {
        const delivery = {
          name: pathText(request, "name"),
          headers: headersOf(request),
          body: bodyOf(request),
        };
        const context = server.acceptState.context();
        const { accepted, rejected, records } = acceptHook(delivery, server.hooks ?? none, context);
        const receipt = await server.engine.append(records);
        return { success: true, accepted, rejected, receipt };
      },
    },
  ];
}

/** As they came: the server itself reads every body as bytes, whatever its type. */
function headersOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  const entries = Object.entries(request.raw.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value] as const,
  );
  return { ...Object.fromEntries(entries), "content-type": request.contentTypeSent };
}
