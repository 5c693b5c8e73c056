import { FreshetError } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import { bearerOf } from "../auth.ts";
import type { ServerContext } from "../context.ts";

/**
 * `secret`: the owner alone. `schemas`: also the write key of a source of kind "server", for what a producer or a
 * consumer needs to read what it has an id of. The write key of a browser opens nothing: everybody can read it, and a
 * schema tells what a business records about people.
 */
export type RegistryAccess = "secret" | "schemas";

/**
 * The secret key as Bearer, or as the password of Basic whoever the user is: clients of the registry speak Basic. A
 * write key as the user, as everywhere else, or as the password.
 */
export function requireRegistryAccess(
  request: FastifyRequest,
  { keys, sources }: ServerContext,
  access: RegistryAccess,
): void {
  const given = credentialsOf(request);
  if (given.some((key) => keys.isSecret(key))) return;
  const isServer = (key: string) => sources.byKey.get(key)?.kind === "server";
  if (access === "schemas" && given.some(isServer)) return;
  throw new FreshetError(
    "registryKeyRequired",
    access === "secret"
      ? "this takes the secret key"
      : "this takes the secret key, or the write key of a server",
  );
}

function credentialsOf(request: FastifyRequest): string[] {
  const bearer = bearerOf(request);
  if (bearer !== undefined) return [bearer];
  const { authorization = "" } = request.headers;
  if (!/^basic\s/i.test(authorization)) return [];
  const text = Buffer.from(authorization.slice(6).trim(), "base64").toString("utf8");
  const colon = text.indexOf(":");
  const parts = colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
  return parts.filter((part) => part !== "");
}
