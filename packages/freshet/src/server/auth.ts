import { createHash, timingSafeEqual } from "node:crypto";
import { FreshetError } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import type { Engine } from "../engine/engine.ts";
import type { ProfileClaim, Tokens } from "./token.ts";

/** Who asks: the owner of the secret key, or a page with a token for one profile. */
export type Reader = { readonly kind: "secret" } | ({ readonly kind: "profile" } & ProfileClaim);

export interface Keys {
  isSecret(key: string): boolean;
}

/** Digests have one length and are compared in constant time, so nothing about the key is told by timing. */
export function createKeys(secretKey: string): Keys {
  if (secretKey === "") throw new Error("the secret key is empty");
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(secretKey);
  return { isSecret: (key) => timingSafeEqual(digest(key), expected) };
}

export function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined || !/^bearer\s/i.test(authorization)) return undefined;
  return authorization.slice(7).trim();
}

export function requireSecret(request: FastifyRequest, keys: Keys): void {
  const key = bearerOf(request);
  if (key === undefined || !keys.isSecret(key)) {
    throw new FreshetError("secretKeyRequired", "this takes the secret key as a Bearer token");
  }
}

interface Doors {
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly engine: Pick<Engine, "profile">;
}

/** The secret key or a profile token, whichever the text is; undefined where there is none. */
export async function readerOf(bearer: string | undefined, doors: Doors): Promise<Reader> {
  if (bearer === undefined) {
    throw new FreshetError(
      "secretKeyRequired",
      "this takes the secret key or a profile token as Bearer",
    );
  }
  if (doors.keys.isSecret(bearer)) return { kind: "secret" };
  const claim = await doors.tokens.verify(bearer);
  requireCurrent(claim.profileId, doors.engine);
  return { kind: "profile", ...claim };
}

/**
 * A token names one profile. Once an anonymous one belongs to a user, its token opens nothing: whoever holds it may
 * be an earlier visitor of the same device. The page mints a new one.
 */
export function requireCurrent(profileId: string, engine: Pick<Engine, "profile">): void {
  if (resolve(profileId, engine) !== profileId) {
    throw new FreshetError("tokenForbidden", "the token's profile belongs to a user by now");
  }
}

/** `profileId` is what was asked for, links followed. */
export function requireProfile(reader: Reader, profileId: string): void {
  if (reader.kind === "profile" && reader.profileId !== profileId) {
    throw new FreshetError("tokenForbidden", "the token is for another profile");
  }
}

/** The profile that an identifier belongs to now; one that nobody has seen is its own. */
export function resolve(profileId: string, engine: Pick<Engine, "profile">): string {
  return engine.profile(profileId)?.profileId ?? profileId;
}
