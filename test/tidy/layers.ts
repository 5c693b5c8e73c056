import { dirname, join, normalize } from "node:path";
import { type Finding, importsOf, type SourceFile } from "./code.ts";

/** DESIGN section 8: what each layer may import, beside itself. */
export const layers: { readonly [layer: string]: readonly string[] } = {
  protocol: [],
  queue: ["protocol"],
  sdk: ["protocol", "queue"],
  core: ["protocol"],
  schema: ["protocol", "core"],
  engine: ["protocol", "core"],
  accept: ["protocol", "core", "schema", "engine"],
  adapters: ["protocol", "core", "engine"],
  bridge: ["protocol", "core", "engine"],
  telemetry: ["protocol", "core", "engine"],
  testing: ["protocol", "core", "engine"],
  server: ["protocol", "core", "schema", "engine", "accept", "adapters", "telemetry"],
  app: ["protocol", "core", "schema", "engine", "accept", "adapters", "telemetry", "server"],
  cli: ["protocol", "core", "schema", "engine", "accept", "adapters", "telemetry", "server", "app"],
};

/** The layer that a source file is in; null for tests, examples and the like. */
export function layerOf(path: string): string | null {
  if (path.startsWith("packages/protocol/src/")) return "protocol";
  if (path.startsWith("packages/sdk/src/queue/")) return "queue";
  if (path.startsWith("packages/sdk/src/")) return "sdk";
  const layer = /^packages\/freshet\/src\/([a-z]+)\//.exec(path)?.[1];
  return layer !== undefined && layer in layers ? layer : null;
}

/** Imports against the direction, and imports of a package by its own name. */
export function layerFindings({ path, text }: SourceFile): Finding[] {
  const layer = layerOf(path);
  if (layer === null) return [];
  const own = packageOf(layer);
  return importsOf(text).flatMap(({ specifier, line }) => {
    if (specifier === own || specifier.startsWith(`${own}/`))
      return [`${path}:${line}: imports its own package "${specifier}" by name`];
    const target = targetLayer(path, specifier);
    if (target === null || target === layer || layers[layer]?.includes(target)) return [];
    return [`${path}:${line}: "${layer}" may not import "${target}" ("${specifier}")`];
  });
}

function packageOf(layer: string): string {
  if (layer === "protocol") return "@freshet/protocol";
  return layer === "sdk" || layer === "queue" ? "@freshet/sdk" : "freshet";
}

function targetLayer(path: string, specifier: string): string | null {
  if (specifier === "@freshet/protocol") return "protocol";
  if (!specifier.startsWith(".")) return null;
  return layerOf(normalize(join(dirname(path), specifier)));
}
