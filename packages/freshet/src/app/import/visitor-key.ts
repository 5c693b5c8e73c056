import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../usage-error.ts";
import { writeWhole } from "../write-whole.ts";

/**
 * The key that makes ids of visitors from their addresses (`imports/visitor-key`): of the data folder alone, so that
 * a secret key may be replaced and visitors stay who they are. Read, or made, when it is first asked for.
 */
export function visitorKeyOf(data: string): () => Uint8Array {
  let key: Uint8Array | null = null;
  return () => {
    key ??= readKey(data) ?? makeKey(data);
    return key;
  };
}

const pathOf = (data: string): string => join(data, "imports", "visitor-key");

function readKey(data: string): Uint8Array | null {
  const path = pathOf(data);
  if (!existsSync(path)) return null;
  const key = Buffer.from(readFileSync(path, "utf8").trim(), "hex");
  if (key.length === keyBytes) return key;
  throw new UsageError(
    `"${path}" holds no key`,
    "restore it, or delete it: visitors of web logs then get other ids",
    1,
  );
}

function makeKey(data: string): Uint8Array {
  const key = randomBytes(keyBytes);
  mkdirSync(join(data, "imports"), { recursive: true });
  writeWhole(pathOf(data), `${key.toString("hex")}\n`, 0o600);
  return key;
}

const keyBytes = 32;
