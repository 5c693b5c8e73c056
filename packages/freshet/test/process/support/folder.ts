import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface TestFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export async function makeFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "freshet-process-"));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** A folder of a project that has Freshet installed, with the files given. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<TestFolder> {
  const folder = await makeFolder();
  mkdirSync(join(folder.path, "node_modules"));
  symlinkSync(
    fileURLToPath(new URL("../../../", import.meta.url)),
    join(folder.path, "node_modules", "freshet"),
  );
  writeFileSync(join(folder.path, "package.json"), '{ "type": "module" }\n');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
  return folder;
}
