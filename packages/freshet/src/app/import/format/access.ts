import type { JsonObject } from "@freshet/protocol";

/** What a line of any web server's log says. */
export interface AccessLog {
  /** Who asked: an address mostly. */
  readonly host: string | null;
  /** As authenticated by the server. */
  readonly user: string | null;
  /** Which site was asked, where the log says it. */
  readonly site: string | null;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly method: string | null;
  /** What was asked for: path and query, or a whole address where a proxy was asked. */
  readonly target: string | null;
  readonly protocol: string | null;
  readonly status: number | null;
  readonly bytes: number | null;
  readonly referrer: string | null;
  readonly userAgent: string | null;
  readonly durationMs?: number | null;
  readonly contentType?: string | null;
}

/** The columns of a row, the same for every web log. */
export const accessColumns = [
  ...["host", "user", "site", "time", "method", "path", "query", "protocol", "status", "bytes"],
  ...["referrer", "userAgent", "durationMs", "contentType"],
] as const;

/** A log line as the columns that mappings read. */
export function accessValues(log: AccessLog): JsonObject {
  const { timeMs, target, durationMs = null, contentType = null, ...rest } = log;
  const { path, query } = splitTarget(target);
  return { ...rest, time: timeMs, path, query, durationMs, contentType };
}

/** Path and query of what was asked for. Scheme and site of a whole address go; a fragment never reaches a log. */
export function splitTarget(target: string | null): {
  readonly path: string | null;
  readonly query: string | null;
} {
  if (target === null) return { path: null, query: null };
  const inner = target.replace(/^[a-z][a-z\d+.-]{0,20}:\/\/[^/?]*/i, "");
  const at = inner.indexOf("?");
  const path = at === -1 ? inner : inner.slice(0, at);
  return { path: path === "" ? "/" : path, query: at === -1 ? null : inner.slice(at + 1) || null };
}
