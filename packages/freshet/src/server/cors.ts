import type { FastifyReply, FastifyRequest } from "fastify";
import { isOriginAllowedSomewhere, type Sources } from "../accept/index.ts";

/**
 * Headers of WIRE section 6 for a real answer. The origin is echoed, since `*` is refused for calls with credentials;
 * no cookie opens anything here, so that an echo gives nothing away. Without the exposed names a script cannot read
 * how long to wait.
 */
export function corsHeaders(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return { vary: "Origin" };
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "Retry-After, X-RateLimit-Reset",
  };
}

/** Those that let a page read an answer. */
export const originHeaders = [
  ...["access-control-allow-origin", "access-control-allow-credentials"],
  "access-control-expose-headers",
] as const;

/** The origin of a request where some source takes requests from it: the key is not known yet. */
export function allowedOrigin(origin: string | undefined, sources: Sources): string | undefined {
  if (origin === undefined) return undefined;
  return isOriginAllowedSomewhere(sources, origin) ? origin : undefined;
}

/** Answers a preflight. `*` never covers `Authorization`, so every name is spelled out. */
export function answerPreflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const asked = request.headers["access-control-request-headers"];
  reply.headers({
    vary: "Origin, Access-Control-Request-Headers",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": allowHeaders(typeof asked === "string" ? asked : ""),
    "access-control-max-age": "86400",
  });
  return reply.code(200).send();
}

const alwaysAllowed = ["Authorization", "Content-Type", "X-Retry-Count"];
/** A header name by the HTTP standard; anything else is not repeated to anybody. */
const token = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
const echoedMax = 50;

function allowHeaders(asked: string): string {
  const known = new Set(alwaysAllowed.map((name) => name.toLowerCase()));
  const more = asked
    .split(",", echoedMax)
    .map((name) => name.trim())
    .filter((name) => token.test(name) && !known.has(name.toLowerCase()));
  return [...alwaysAllowed, ...more].join(", ");
}
