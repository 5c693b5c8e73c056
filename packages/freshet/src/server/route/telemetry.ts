import { countTelemetry } from "../../accept/index.ts";
import type { ServerContext } from "../context.ts";
import { bodyOf, type Route } from "./route.ts";

/** What SDKs tell of themselves: taken without a key, since none is sent, and only counted. */
export function telemetryRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "POST",
      paths: ["/v1/m", "/m"],
      kind: "other",
      cors: true,
      async handle(request) {
        const series = countTelemetry(bodyOf(request), request.headers["content-encoding"]);
        server.metrics.sdkTelemetry(series);
        return { success: true };
      },
    },
  ];
}
