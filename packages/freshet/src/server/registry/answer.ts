import { FreshetError } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { RegistryError } from "../../core/registry/index.ts";
import type { EmbeddedRegistry } from "../../engine/registry/embedded.ts";
import type { ServerContext } from "../context.ts";
import type { Route } from "../route/route.ts";
import { type RegistryAccess, requireRegistryAccess } from "./access.ts";
import { refusal, registryAnswerOf, registryTypes } from "./error-form.ts";

/** An endpoint of the registry. What `answer` returns is sent as JSON, a text that it made itself as it is. */
export interface RegistryEndpoint {
  readonly method: Route["method"];
  readonly path: string;
  /** Who may; the owner of the secret key always. */
  readonly access: RegistryAccess;
  answer(
    request: FastifyRequest,
    registry: EmbeddedRegistry,
    reply: FastifyReply,
  ): Promise<unknown>;
}

/** A text that is JSON already. */
export class JsonText {
  readonly bytes: Buffer;

  constructor(text: string) {
    this.bytes = Buffer.from(text);
  }
}

export function registryRoute(server: ServerContext, endpoint: RegistryEndpoint): Route {
  return {
    method: endpoint.method,
    paths: [endpoint.path],
    kind: "other",
    cors: false,
    async handle(request, reply) {
      const note = (outcome: string) =>
        server.metrics.registry.request({ route: `${endpoint.method} ${endpoint.path}`, outcome });
      try {
        requireRegistryAccess(request, server, endpoint.access);
        reply.header("content-type", typeFor(request.headers.accept));
        const answer = await endpoint.answer(request, registryOf(server), reply);
        note("ok");
        return bytesOf(answer);
      } catch (error) {
        note(outcomeOf(error));
        if (!(error instanceof RegistryError)) throw error;
        if (error.kind === "store")
          server.logger.error({ err: error }, "the registry was not read or written");
        reply.code(error.status).header("content-type", registryTypes[0]);
        return bytesOf(refusal(error.errorCode, error.message));
      }
    },
  };
}

/** The number that the client reads: of the API's or of HTTP, a few dozen in all. */
function outcomeOf(error: unknown): string {
  if (error instanceof RegistryError) return String(error.errorCode);
  if (error instanceof FreshetError) return String(registryAnswerOf(error).body.error_code);
  return "50001";
}

/** Bytes, as a text would get a charset into its type, and some clients compare types as texts. */
function bytesOf(answer: unknown): Buffer {
  return answer instanceof JsonText ? answer.bytes : Buffer.from(JSON.stringify(answer));
}

function registryOf({ registry, registryFault }: ServerContext): EmbeddedRegistry {
  if (registry !== undefined) return registry;
  if (registryFault !== undefined) throw new RegistryError("store", registryFault);
  const message = "this server has no registry of its own";
  throw new FreshetError("notFound", message, { hint: "ask the one that its configuration names" });
}

/** By the client's own order; weights are nobody's wish here, as all three types are the same bytes. */
function typeFor(accept: string | undefined): string {
  if (accept === undefined) return registryTypes[0];
  const asked = accept.split(",", 20).map((part) => part.split(";")[0]?.trim().toLowerCase() ?? "");
  const found = asked
    .map((type) => registryTypes.find((known) => isTaken(known, type)))
    .find((type) => type !== undefined);
  if (found !== undefined) return found;
  throw new FreshetError(
    "notAcceptable",
    `the answer is JSON, but "${accept.slice(0, 100)}" is asked for`,
  );
}

function isTaken(type: string, asked: string): boolean {
  return asked === type || asked === "*/*" || asked === "application/*" || asked === "";
}
