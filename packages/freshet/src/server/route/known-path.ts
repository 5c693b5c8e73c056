import type { Route } from "./route.ts";

/** The route that has a path, whatever the method: to tell a wrong method from a wrong path. */
export function routeAt(path: string, routes: readonly Route[]): Route | undefined {
  const parts = partsOf(path);
  return routes.find((route) => route.paths.some((known) => matches(partsOf(known), parts)));
}

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "");
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.length !== parts.length) return false;
  return pattern.every((part, index) => part.startsWith(":") || part === parts[index]);
}
