import { FreshetError } from "@freshet/protocol";
import type { FastifyInstance } from "fastify";
import { createAcceptState } from "./accept-state.ts";
import { createKeys } from "./auth.ts";
import type { ServerContext } from "./context.ts";
import { drainer } from "./drain.ts";
import { sendError } from "./error.ts";
import { Gate } from "./gate.ts";
import { addRoute, createApp } from "./http.ts";
import { LetterRunner } from "./letter/runner.ts";
import { type ServerLimits, serverLimits } from "./limits.ts";
import type { ServerOptions } from "./options.ts";
import { routeFamilies } from "./route/index.ts";
import { routeAt } from "./route/known-path.ts";
import type { Route } from "./route/route.ts";
import { Schemas } from "./schemas.ts";
import { SocketHub } from "./socket/hub.ts";
import { createTokens } from "./token.ts";
import { routeUpgrades } from "./upgrade.ts";

export interface Server {
  /** For `listen`, `inject` and `close`. */
  readonly app: FastifyInstance;
  /** From now on `/readyz` and capture say 503 and streams end; `app.close` does this too. */
  beginShutdown(): void;
}

/** Puts the parts together; what each does is in its own file. */
export function createServer(options: ServerOptions): Server {
  const limits = { ...serverLimits, ...options.limits };
  let isStopping = false;
  const context = contextOf(options, limits, () => isStopping);
  const routes = routeFamilies.flatMap((family) => family(context));
  const app = createApp(context, { trustProxy: options.trustProxy ?? false });
  app.setNotFoundHandler((request, reply) =>
    sendError(request, reply, unknownPath(request, routes), limits.lingerMs),
  );
  const beginShutdown = () => {
    isStopping = true;
    options.hub.close();
    context.sockets.close();
  };
  const drain = drainer(app.server, limits.drainMsMax);
  app.addHook("preClose", async () => {
    beginShutdown();
    drain();
  });
  app.addHook("onReady", async () => context.letters.resume());
  app.addHook("onClose", () => context.letters.close());
  for (const route of routes) addRoute(app, context, route);
  routeUpgrades(app, routes);
  options.siteRoutes?.(app);
  return { app, beginShutdown };
}

function contextOf(
  options: ServerOptions,
  limits: ServerLimits,
  isStopping: () => boolean,
): ServerContext {
  const { engine, clock, secretKey } = options;
  const acceptState = createAcceptState({
    ...options,
    tables: () => engine.tables,
    partitions: () => engine.partitions,
  });
  const schemas = new Schemas({
    ...{ registry: options.schemaRegistry, clock, limits },
    onLookup: (outcome) => options.metrics.schemaLookup(outcome),
  });
  const gate = new Gate({ limits, clock, eventsInFlight: () => engine.ledger().inFlight });
  return {
    ...options,
    limits,
    isStopping,
    acceptState,
    gate,
    schemas,
    letters: new LetterRunner({ ...options, acceptState, schemas, gate, isStopping }),
    keys: createKeys(secretKey),
    tokens: createTokens(secretKey, clock),
    sockets: new SocketHub(limits),
  };
}

/** A path of capture with another method is a client's mistake; to such clients 404 does not exist. */
function unknownPath(
  request: { readonly method: string; readonly url: string },
  routes: readonly Route[],
): FreshetError {
  const { method } = request;
  const route = routeAt(request.url.split("?")[0] ?? "/", routes);
  if (route === undefined) return new FreshetError("notFound", "there is nothing at this path");
  const message = `this path takes ${route.method}, but ${method} came`;
  return new FreshetError(route.kind === "capture" ? "requestShape" : "methodNotAllowed", message);
}
