import type { IncomingMessage, ServerResponse } from "node:http";
import { FreshetError } from "@freshet/protocol";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { emptyBody, type RawBody, readRequestBody } from "./body.ts";
import type { CaptureContext } from "./context.ts";
import { allowedOrigin, answerPreflight, corsHeaders } from "./cors.ts";
import { answerClientError, sendError, toFreshetError } from "./error.ts";
import type { ServerOptions } from "./options.ts";
import type { Route } from "./route/route.ts";
import { isWebSocketOffer } from "./upgrade.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** `Content-Type` as it came: bodies are read as bytes whatever it says. */
    contentTypeSent: string | undefined;
  }
}

export interface AppOptions {
  readonly trustProxy: NonNullable<ServerOptions["trustProxy"]>;
  /** Who answers what no route here does, unread; this app itself unless said. */
  readonly forward?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** HTTP as Freshet speaks it, without a route yet. */
export function createApp(context: CaptureContext, options: AppOptions): FastifyInstance {
  const { limits } = context;
  const app = Fastify({
    logger: false,
    trustProxy: options.trustProxy,
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
  addHooks(app, context, options);
  app.setErrorHandler((error, request, reply) =>
    sendError(request, reply, toError(context, error), limits.lingerMs),
  );
  return app;
}

function toError({ logger, randomId }: CaptureContext, error: unknown): FreshetError {
  return toFreshetError(error, logger, randomId);
}

/** Answers are data, whatever a browser makes of their bytes. */
const safeHeaders = { "x-content-type-options": "nosniff" };

/** One parser for every content type, known, unknown and malformed: browsers send JSON as text/plain. */
function addBodyParser(app: FastifyInstance, { gate }: CaptureContext): void {
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

function addHooks(app: FastifyInstance, context: CaptureContext, { forward }: AppOptions): void {
  const { metrics, logger, isStopping, sources } = context;
  app.addHook("onRequest", async (request, reply) => {
    const { freshet } = request.routeOptions.config;
    if (forward !== undefined && freshet === undefined) {
      reply.hijack();
      forward(request.raw, reply.raw);
      return;
    }
    const { headers } = request.raw;
    request.contentTypeSent = headers["content-type"];
    if (request.method !== "GET" && request.method !== "HEAD")
      headers["content-type"] = "application/octet-stream";
    reply.headers(safeHeaders);
    if (freshet === undefined) return;
    if (freshet.cors) reply.headers(corsHeaders(allowedOrigin(request.headers.origin, sources)));
    reply.header("cache-control", "no-store");
    if (isStopping() && !["GET", "HEAD", "OPTIONS"].includes(request.method)) {
      throw new FreshetError("shuttingDown", "the server is stopping");
    }
  });
  app.addHook("onResponse", async (request, reply) => {
    const { config, url: route = "unmatched" } = request.routeOptions;
    if (forward !== undefined && config.freshet === undefined) return;
    const { method } = request;
    const measure = { route, method, status: reply.statusCode, seconds: reply.elapsedTime / 1000 };
    metrics.request({ ...measure, kind: config.freshet?.kind ?? "other" });
    // The pattern, never the path: ids and keys are in that.
    logger.debug(measure, "request");
  });
}

export function addRoute(app: FastifyInstance, context: CaptureContext, route: Route): void {
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
  { gate }: CaptureContext,
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
