import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** `<key id>:<64 hex digits>` of a text: the same for the same key, and nobody without it can try texts. */
export type KeyedHash = (text: string) => string;

/**
 * HMAC-SHA-256. The id is made from the key, so that values of an earlier key can be told from those of a new one. A
 * text that is such a hash already stays: what was read from a profile may be sent again and means the same.
 */
export function keyedHash(secret: string): KeyedHash {
  const key = createSecretKey(Buffer.from(secret));
  const id = hmac(key, "freshet hash key id").slice(0, 8);
  const ownForm = new RegExp(`^${id}:[0-9a-f]{64}$`);
  return (text) => (ownForm.test(text) ? text : `${id}:${hmac(key, text)}`);
}

function hmac(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}
