import { parseAccessLine } from "./access-line.ts";
import type { FormatName } from "./index.ts";

/** By the name of the file, else by its first lines. JSON of a web log or an export tells itself by its names. */
export function detectFormat(path: string, head: string): FormatName {
  if (/\.(csv|tsv)(\.gz)?$/i.test(path)) return "csv";
  const text = head.replace(/^\uFEFF/, "").trimStart();
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(path) || text.startsWith("{")) return jsonFormat(text);
  return accessFormat(text) ?? "csv";
}

/** The first line as far as it is there. */
function jsonFormat(head: string): FormatName {
  const line = head.slice(0, head.indexOf("\n") === -1 ? head.length : head.indexOf("\n"));
  const has = (...names: string[]) =>
    names.every((name) => new RegExp(`"${name.replaceAll("$", "\\$")}"\\s*:`).test(line));
  if (has("event_name", "event_timestamp") && (has("event_params") || has("user_pseudo_id")))
    return "ga4";
  if (has("event", "properties", "time") && (has("distinct_id") || has("$insert_id")))
    return "mixpanel";
  if (has("request", "status", "ts", "method", "uri")) return "caddy";
  if (has("RequestMethod", "DownstreamStatus")) return "traefik";
  if (has("remote_addr", "status") && (has("request") || has("request_uri") || has("uri")))
    return "nginx";
  return "jsonl";
}

/** Scanners break lines on purpose, so one of the first ones is enough. */
function accessFormat(head: string): FormatName | null {
  for (const line of head.split("\n").slice(0, linesLookedAt)) {
    const parsed = parseAccessLine(line.trim());
    if (parsed.kind === "values")
      return parsed.values.userAgent !== null || / "-" "-"/.test(line) ? "combined" : "common";
  }
  return null;
}

const linesLookedAt = 20;
