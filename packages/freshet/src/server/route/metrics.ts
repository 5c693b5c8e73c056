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
function reading({ engine, hub, gate }: ServerContext): Reading {
  const { outbox } = engine;
  return {
    ledger: engine.ledger(),
    counters: engine.counters,
    status: engine.status(),
    outboxWaiting: new Map(outbox.destinations().map((name) => [name, outbox.waiting(name)])),
    deadLetters: engine.deadLetters.count,
    streamConnections: hub.connections,
    requestBytesInFlight: gate.bytes,
    requestsHeld: gate.held,
  };
}
