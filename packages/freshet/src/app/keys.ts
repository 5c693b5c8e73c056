import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "@freshet/protocol";
import { UsageError } from "./usage-error.ts";
import { writeWhole } from "./write-whole.ts";

export interface Keys {
  readonly writeKey: string;
  readonly secretKey: string;
}

/** Keys of the data folder: made at the first start, kept readable by the owner alone. Given ones win. */
export function keysOf(data: string, given: Partial<Keys>): Keys & { readonly made: boolean } {
  const path = join(data, "keys.json");
  const stored = readKeys(path);
  const keys: Keys = {
    writeKey: given.writeKey ?? stored?.writeKey ?? `wk_${token()}`,
    secretKey: given.secretKey ?? stored?.secretKey ?? `sk_${token()}`,
  };
  if (keys.writeKey === keys.secretKey)
    throw new UsageError(
      "write key and secret key are the same text",
      "a page shows the write key: make them differ",
    );
  if (stored !== null) return { ...keys, made: false };
  mkdirSync(data, { recursive: true });
  writeWhole(path, `${JSON.stringify(keys, null, 2)}\n`, 0o600);
  return { ...keys, made: true };
}

function token(): string {
  return randomBytes(18).toString("base64url");
}

function readKeys(path: string): Keys | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  try {
    const value = readJson(text) as Partial<Keys>;
    if (typeof value.writeKey === "string" && typeof value.secretKey === "string")
      return value as Keys;
  } catch {
    // Falls through to the same message as a file with other contents.
  }
  throw new UsageError(
    `"${path}" holds no keys`,
    "restore it, or delete it to have new keys made",
    1,
  );
}
