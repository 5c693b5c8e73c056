import type { FastifyReply, FastifyRequest } from "fastify";
import type { RawBody } from "../body.ts";
import type { ServerContext } from "../context.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Set on routes of Freshet itself, never on those of the site. */
    readonly freshet?: Route;
  }
}

/** One endpoint, as data. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** All paths that mean the same. */
  readonly paths: readonly string[];
  /** `capture` and `decide` have their latency measured; `capture` is held back under pressure. */
  readonly kind: "capture" | "decide" | "other";
  /** Whether pages of other origins may call it. */
  readonly cors: boolean;
  /** Set where a GET has no end, so that HEAD, which runs the same handler, is not offered. */
  readonly isEndless?: true;
  /** Set where a GET becomes a WebSocket. */
  readonly isUpgraded?: true;
  /** What it returns is the answer's body; it throws FreshetError for every other status. */
  handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

export type RouteFamily = (server: ServerContext) => readonly Route[];

/** The body as bytes; empty where there was none. */
export function bodyOf(request: FastifyRequest): Uint8Array {
  return (request.body as RawBody | undefined)?.bytes ?? new Uint8Array(0);
}

/** A parameter of the query that is meant to be there once. */
export function queryText(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
}

export function pathText(request: FastifyRequest, name: string): string {
  const value = (request.params as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : "";
}

/** What the edge looks at besides the body. */
export function edgeHeaders(request: FastifyRequest) {
  return {
    origin: request.headers.origin,
    userAgent: request.headers["user-agent"],
    identityToken: headerText(request, "x-freshet-identity"),
  };
}

export function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
