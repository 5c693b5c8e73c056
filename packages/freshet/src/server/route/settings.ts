import { settingsFor } from "../../accept/index.ts";
import type { ServerContext } from "../context.ts";
import { pathText, type Route } from "./route.ts";

export function settingsRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/projects/:writeKey/settings", "/projects/:writeKey/settings"],
      kind: "other",
      cors: true,
      async handle(request) {
        const writeKey = pathText(request, "writeKey");
        const { host, protocol } = request;
        return settingsFor({ writeKey, host, protocol }, server.sources);
      },
    },
  ];
}
