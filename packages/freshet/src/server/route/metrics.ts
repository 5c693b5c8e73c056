import type { Reading } from "../../telemetry/index.ts";
import type { ServerContext } from "../context.ts";
import type { CollectorReading } from "../options.ts";
import type { Route } from "./route.ts";

export function metricsRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/metrics"],
      kind: "other",
      cors: false,
      async handle(_request, reply) {
        const collected = await server.collector?.reading();
        reply.type(server.metrics.contentType);
        const series = collected === undefined ? [] : [collected.series];
        return server.metrics.text(() => withCollected(reading(server), collected), series);
      },
    },
  ];
}

/** Without a pause in it: the ledger balances between any two records. */
function reading(server: ServerContext): Reading {
  const { engine, dispatcher, hub, sockets, gate, sources } = server;
  return {
    ledger: engine.ledger(),
    counters: engine.counters,
    status: engine.status(),
    destinations: dispatcher.status(),
    effectsAbandoned: engine.outbox.abandonedCount,
    deadLetters: engine.deadLetters.summary(),
    feeds: server.feeds?.() ?? [],
    streamConnections: hub.connections,
    socketConnections: sockets.connections,
    requestBytesInFlight: gate.bytes,
    requestsHeld: gate.held,
    edges: edgesOf(sources),
    contracts: sources.contracts.entries(),
    registry: registryReading(server.registry),
  };
}

function withCollected(own: Reading, collected: CollectorReading | undefined): Reading {
  if (collected === undefined) return own;
  return {
    ...own,
    requestBytesInFlight: own.requestBytesInFlight + collected.requestBytesInFlight,
    requestsHeld: own.requestsHeld + collected.requestsHeld,
    edges: [...own.edges, ...collected.edges],
    contracts: [...own.contracts, ...collected.contracts],
  };
}

function registryReading(registry: ServerContext["registry"]): Reading["registry"] {
  if (registry === undefined) return undefined;
  const { subjects, schemas, schemaChars } = registry.state;
  let versions = 0;
  for (const all of subjects.values()) versions += all.length;
  return { subjects: subjects.size, versions, schemas: schemas.size, schemaChars };
}

/** Ways in without a key share the count of "keyless". */
function edgesOf({ list, keyless }: ServerContext["sources"]): Reading["edges"] {
  const all = [
    ...list.map(({ name, edge }) => ({ name, edge })),
    { name: "keyless", edge: keyless },
  ];
  return all.flatMap(({ name, edge }) =>
    edge === undefined ? [] : [{ source: name, counts: edge.counts.entries() }],
  );
}
