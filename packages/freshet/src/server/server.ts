import { FreshetError } from "@freshet/protocol";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { createAcceptState } from "./accept-state.ts";
import { createKeys } from "./auth.ts";
import { emptyBody, type RawBody, readRequestBody } from "./body.ts";
import type { ServerContext } from "./context.ts";
import { allowedOrigin, answerPreflight, corsHeaders } from "./cors.ts";
import { drainer } from "./drain.ts";
import { answerClientError, sendError, toFreshetError } from "./error.ts";
import { Gate } from "./gate.ts";
import { LetterRunner } from "./letter/runner.ts";
import { type ServerLimits, serverLimits } from "./limits.ts";
import type { ServerOptions, TrustProxy } from "./options.ts";
import { routeFamilies } from "./route/index.ts";
import { routeAt } from "./route/known-path.ts";
import type { Route } from "./route/route.ts";
import { Schemas } from "./schemas.ts";
import { SocketHub } from "./socket/hub.ts";
import { createTokens } from "./token.ts";
import { isWebSocketOffer, routeUpgrades } from "./upgrade.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** `Content-Type` as it came: bodies are read as bytes whatever it says. */
    contentTypeSent: string | undefined;
  }
}

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
  const app = createApp(context, options.trustProxy ?? false);
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

function createApp(context: ServerContext, trustProxy: TrustProxy): FastifyInstance {
  const { limits } = context;
  const app = Fastify({
    logger: false,
    trustProxy,
    genReqId: () => "",
    return503OnClosing: false,
    forceCloseConnections: "idle",
    connectionTimeout: limits.connectionTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      connectionsCheckingInterval: Math.ceil(limits.headersTimeoutMs / 4),
      shouldUpgradeCallback: isWebSocketOffer,
    },
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: limits.headerBytesMax,
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      const origin = allowedOrigin(request.headers.origin, context.sources);
      reply.headers({ ...safeHeaders, ...corsHeaders(origin) });
      sendError(request, reply, toError(context, error), limits.lingerMs);
    },
  }) as unknown as FastifyInstance;
  app.server.maxConnections = limits.connectionsMax;
  // Node itself would answer an `Expect` that it does not know with 417, which drops a client's events.
  app.server.on("checkExpectation", (request, response) => app.routing(request, response));
  addBodyParser(app, context);
  addHooks(app, context);
  app.setErrorHandler((error, request, reply) =>
    sendError(request, reply, toError(context, error), limits.lingerMs),
  );
  return app;
}

function toError({ logger, randomId }: ServerContext, error: unknown): FreshetError {
  return toFreshetError(error, logger, randomId);
}

/** Answers are data, whatever a browser makes of their bytes. */
const safeHeaders = { "x-content-type-options": "nosniff" };

/** One parser for every content type, known, unknown and malformed: browsers send JSON as text/plain. */
function addBodyParser(app: FastifyInstance, { gate }: ServerContext): void {
  app.decorateRequest("contentTypeSent", undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", async (request: FastifyRequest) => {
    const route = request.routeOptions.config.freshet;
    const body = await readRequestBody(request.raw, gate, { hold: route?.kind === "capture" });
    if (route !== undefined) return body;
    // A site's own handler takes plain bytes, and knows of no counting.
    gate.release(body.charged);
    return body.bytes;
  });
}

function addHooks(app: FastifyInstance, context: ServerContext): void {
  const { metrics, logger, isStopping, sources } = context;
  app.addHook("onRequest", async (request, reply) => {
    const { headers } = request.raw;
    request.contentTypeSent = headers["content-type"];
    if (request.method !== "GET" && request.method !== "HEAD")
      headers["content-type"] = "application/octet-stream";
    reply.headers(safeHeaders);
    const { freshet } = request.routeOptions.config;
    if (freshet === undefined) return;
    if (freshet.cors) reply.headers(corsHeaders(allowedOrigin(request.headers.origin, sources)));
    reply.header("cache-control", "no-store");
    if (isStopping() && !["GET", "HEAD", "OPTIONS"].includes(request.method)) {
      throw new FreshetError("shuttingDown", "the server is stopping");
    }
  });
  app.addHook("onResponse", async (request, reply) => {
    const { config, url: route = "unmatched" } = request.routeOptions;
    const { method } = request;
    const measure = { route, method, status: reply.statusCode, seconds: reply.elapsedTime / 1000 };
    metrics.request({ ...measure, kind: config.freshet?.kind ?? "other" });
    // The pattern, never the path: ids and keys are in that.
    logger.debug(measure, "request");
  });
}

function addRoute(app: FastifyInstance, context: ServerContext, route: Route): void {
  const { method, cors } = route;
  for (const url of route.paths) {
    const config = { freshet: route };
    app.route({
      method,
      url,
      config,
      exposeHeadRoute: method === "GET" && route.isEndless !== true,
      handler: (request, reply) => handle(context, route, request, reply),
    });
    if (cors && !app.hasRoute({ method: "OPTIONS", url })) {
      app.route({ method: "OPTIONS", url, config, handler: answerPreflight });
    }
  }
}

/** The body stays counted until it is answered for. */
async function handle(
  { gate }: ServerContext,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  request.body ??= emptyBody;
  try {
    return await route.handle(request, reply);
  } finally {
    gate.release((request.body as RawBody).charged);
  }
}

/** A path of capture with another method is a client's mistake; to such clients 404 does not exist. */
function unknownPath(request: FastifyRequest, routes: readonly Route[]): FreshetError {
  const { method } = request;
  const route = routeAt(request.url.split("?")[0] ?? "/", routes);
  if (route === undefined) return new FreshetError("notFound", "there is nothing at this path");
  const message = `this path takes ${route.method}, but ${method} came`;
  return new FreshetError(route.kind === "capture" ? "requestShape" : "methodNotAllowed", message);
}
