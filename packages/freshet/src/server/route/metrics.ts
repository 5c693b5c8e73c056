import type { Reading } from "../../telemetry/index.ts";
import type { ServerContext } from "../context.ts";
import type { Route } from "./route.ts";

export function metricsRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/metrics"],
      kind: "other",
      cors: false,
      async handle(_request, reply) {
        reply.type(server.metrics.contentType);
        return server.metrics.text(() => reading(server));
      },
    },
  ];
}

/** Without a pause in it: the ledger balances between any two records. */
function reading({ engine, dispatcher, hub, gate }: ServerContext): Reading {
  return {
    ledger: engine.ledger(),
    counters: engine.counters,
    status: engine.status(),
    destinations: dispatcher.status(),
    effectsAbandoned: engine.outbox.abandonedCount,
    deadLetters: engine.deadLetters.count,
    streamConnections: hub.connections,
    requestBytesInFlight: gate.bytes,
    requestsHeld: gate.held,
  };
}
