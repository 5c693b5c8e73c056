import { renameSync, writeFileSync } from "node:fs";

export const partSuffix = ".part";

/** Writes a small file so that a process that is killed meanwhile leaves it whole or not at all. */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  const part = `${path}${partSuffix}`;
  writeFileSync(part, text, { mode });
  renameSync(part, path);
}
