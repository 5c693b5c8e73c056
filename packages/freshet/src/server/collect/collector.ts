import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AcceptStateOptions } from "../accept-state.ts";
import { createAcceptState } from "../accept-state.ts";
import type { CaptureContext } from "../context.ts";
import { drainer } from "../drain.ts";
import { Gate } from "../gate.ts";
import { addRoute, createApp } from "../http.ts";
import { type ServerLimits, serverLimits } from "../limits.ts";
import type { ServerOptions, TrustProxy } from "../options.ts";
import { captureRoutes } from "../route/capture.ts";
import { pixelRoutes } from "../route/pixel.ts";
import { Schemas } from "../schemas.ts";
import type { Server } from "../server.ts";
import { giveBack, isWebSocketOffer } from "../upgrade.ts";
import { Forwarder } from "./forwarder.ts";

export interface CollectorOptions
  extends AcceptStateOptions,
    Pick<CaptureContext, "engine" | "logger" | "metrics">,
    Pick<ServerOptions, "schemaRegistry"> {
  readonly eventsInFlight: () => number;
  /** Where the thread behind listens. */
  readonly socketPath: string;
  readonly trustProxy: TrustProxy;
  readonly limits?: Partial<ServerLimits>;
}

export interface Collector extends Server {
  readonly gate: Gate;
}

/**
 * The role `collect` by itself: ways in that need nothing but the plan and its tables are answered here, and every
 * other request is handed on. So a profile is never read where events are parsed, and the other way round.
 */
export function createCollector(options: CollectorOptions): Collector {
  const limits = { ...serverLimits, ...options.limits };
  let isStopping = false;
  const gate = new Gate({ limits, clock: options.clock, eventsInFlight: options.eventsInFlight });
  const context: CaptureContext = {
    ...options,
    limits,
    gate,
    acceptState: createAcceptState(options),
    schemas: new Schemas({
      ...{ registry: options.schemaRegistry, clock: options.clock, limits },
      onLookup: (outcome) => options.metrics.schemaLookup(outcome),
    }),
    isStopping: () => isStopping,
  };
  const forwarder = new Forwarder(options);
  const app = createApp(context, {
    trustProxy: options.trustProxy,
    forward: (request, response) => void forwarder.request(request, response),
  });
  for (const route of [...captureRoutes(context), ...pixelRoutes(context)])
    addRoute(app, context, route);
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isWebSocketOffer(request)) forwarder.upgrade(request, socket, head);
    else giveBack(app.server, { request, socket, head });
  });
  const drain = drainer(app.server, limits.drainMsMax);
  const beginShutdown = () => {
    isStopping = true;
  };
  app.addHook("preClose", async () => {
    beginShutdown();
    drain();
  });
  app.addHook("onClose", () => forwarder.close());
  return { app, gate, beginShutdown };
}
