import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import { isObject } from "../field.ts";

/**
 * Signed tokens (RFC 7515, 7519), verified without a promise, because accept is one synchronous function for every
 * way in. Only compact JWS with the three algorithms below; nothing is encrypted, nothing is looked up.
 *
 * - J1 the algorithm belongs to the key. A token names one only to choose among keys, so that `none`, or a public key
 *   used as a shared secret, can never pass.
 * - J2 nothing of a token is believed, and no claim of it is looked at, before its signature holds.
 */
export type Algorithm = "HS256" | "RS256" | "ES256";

export interface VerifyKey {
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
  /** `kid` of the tokens that it is for; undefined = any. */
  readonly id: string | undefined;
}

export type Verified =
  | { readonly claims: JsonObject }
  /** In words, without anything of the token. */
  | { readonly fault: string };

export function verifyJws(token: string, keys: readonly VerifyKey[]): Verified {
  const parts = token.split(".");
  const [head = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3 || !parts.every((part) => base64urlForm.test(part)))
    return { fault: "it is no signed token" };
  const header = decode(head);
  // A header that must be understood and is not makes the token invalid (RFC 7515, 4.1.11).
  if (header === undefined || header.crit !== undefined) return { fault: "its head is no JSON" };
  const fitting = keys.filter((key) => isFor(key, header));
  if (fitting.length === 0) return { fault: "no key of the source fits its algorithm and key id" };
  const signed = Buffer.from(`${head}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!fitting.some((key) => holds(key, signed, bytes)))
    return { fault: "its signature does not hold" };
  const claims = decode(payload);
  return claims === undefined ? { fault: "its claims are no JSON object" } : { claims };
}

const base64urlForm = /^[A-Za-z0-9_-]+$/;

function decode(part: string): JsonObject | undefined {
  try {
    const value = readJson(Buffer.from(part, "base64url").toString("utf8")) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFor(key: VerifyKey, header: JsonObject): boolean {
  if (header.alg !== key.algorithm) return false;
  return key.id === undefined || header.kid === undefined || header.kid === key.id;
}

function holds({ algorithm, key }: VerifyKey, signed: Buffer, signature: Buffer): boolean {
  switch (algorithm) {
    case "HS256": {
      const expected = createHmac("sha256", key).update(signed).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    }
    case "RS256":
      return verify("sha256", signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    case "ES256":
      return verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature);
  }
}

/** RFC 7518 asks for as many bits as the hash has. */
const secretBytesMin = 32;
const rsaBitsMin = 2048;

/** A shared secret as a key. Throws an error in words where it is too short. */
export function secretVerifyKey(secret: string | Uint8Array, id: string | undefined): VerifyKey {
  const bytes = typeof secret === "string" ? Buffer.from(secret) : Buffer.from(secret);
  if (bytes.length < secretBytesMin)
    throw new Error(`the secret has ${bytes.length} bytes, but HS256 needs ${secretBytesMin}`);
  return { algorithm: "HS256", key: createSecretKey(bytes), id };
}

/** A public key as PEM. Throws an error in words for what is no RSA or P-256 key. */
export function publicVerifyKey(pem: string, id: string | undefined): VerifyKey {
  // Node would make a public key of a private one; a private key has no place in this configuration.
  if (pem.includes("PRIVATE KEY")) throw new Error("this is a private key; give its public half");
  return ofPublic(createPublicKey(pem), id);
}

/** The keys of a JSON Web Key Set (RFC 7517). Keys that are for something else than signatures are left out. */
export function keysOfSet(set: Json): VerifyKey[] {
  const keys = isObject(set) ? set.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('a JSON Web Key Set is { "keys": [...] }');
  return keys.flatMap((jwk: Json) => {
    if (!isObject(jwk) || (jwk.use !== undefined && jwk.use !== "sig")) return [];
    const id = typeof jwk.kid === "string" ? jwk.kid : undefined;
    if (jwk.kty === "oct" && typeof jwk.k === "string")
      return [secretVerifyKey(Buffer.from(jwk.k, "base64url"), id)];
    return [ofPublic(createPublicKey({ key: jwk as JsonWebKey, format: "jwk" }), id)];
  });
}

function ofPublic(key: KeyObject, id: string | undefined): VerifyKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa" && (details?.modulusLength ?? 0) >= rsaBitsMin)
    return { algorithm: "RS256", key, id };
  if (type === "ec" && details?.namedCurve === "prime256v1") return { algorithm: "ES256", key, id };
  throw new Error(`a key is RSA with at least ${rsaBitsMin} bits, or P-256; this one is neither`);
}
