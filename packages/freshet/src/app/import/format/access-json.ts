import type { Json, JsonObject } from "@freshet/protocol";
import { parseTime } from "../../../accept/index.ts";
import { type ParsedLine, parseJsonLine } from "../lines.ts";
import { type AccessLog, accessValues } from "./access.ts";
import { requestOf, said } from "./access-line.ts";

/**
 * Access logs that are written as JSON, one object a line. Caddy and Traefik have names of their own; nginx writes
 * what its `log_format` names, so the usual names of its variables are looked for.
 */
export function parseAccessJson(read: (values: JsonObject) => AccessLog | string) {
  return (text: string): ParsedLine => {
    const parsed = parseJsonLine(text);
    if (parsed.kind === "broken") return parsed;
    const log = read(parsed.values);
    return typeof log === "string"
      ? { kind: "broken", message: log }
      : { kind: "values", values: accessValues(log) };
  };
}

/** The variables of nginx, under their own names or those that people commonly give them. */
export function readNginx(values: JsonObject): AccessLog | string {
  const get = (...names: string[]): string | null => {
    for (const name of names) {
      const text = textOf(values[name]);
      if (text !== null) return text;
    }
    return null;
  };
  const timeMs = nginxTime(values);
  if (timeMs === null) return 'it has no time: "time_iso8601", "msec", "time_local" or "time"';
  const request = requestOf(get("request") ?? "");
  const uri = get("request_uri", "uri", "path");
  const args = get("args", "query_string");
  const seconds = numberOf(values.request_time ?? values.duration);
  return {
    host: get("remote_addr", "client_ip", "client", "ip"),
    user: get("remote_user", "user"),
    site: get("host", "http_host", "server_name", "vhost"),
    timeMs,
    method: get("request_method", "method") ?? request.method,
    target:
      uri === null ? request.target : uri.includes("?") || args === null ? uri : `${uri}?${args}`,
    protocol: get("server_protocol", "protocol") ?? request.protocol,
    status: numberOf(values.status),
    bytes: numberOf(values.body_bytes_sent ?? values.bytes_sent ?? values.bytes),
    referrer: get("http_referer", "http_referrer", "referer", "referrer"),
    userAgent: get("http_user_agent", "user_agent", "agent"),
    durationMs: seconds === null ? null : Math.round(seconds * 1000),
    contentType: get("sent_http_content_type", "content_type"),
  };
}

/** `msec` is seconds with three decimals. */
function nginxTime(values: JsonObject): number | null {
  for (const name of ["time_iso8601", "timestamp", "@timestamp", "time", "ts"]) {
    const value = values[name];
    const time = secondsOrIso(value);
    if (time !== null) return time;
  }
  return secondsOrIso(values.msec) ?? localTime(textOf(values.time_local) ?? textOf(values.time));
}

/** `10/Oct/2000:13:55:36 -0700`, which is what `$time_local` writes. */
function localTime(text: string | null): number | null {
  const found = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(text ?? "");
  if (found === null) return null;
  const month = String("JanFebMarAprMayJunJulAugSepOctNovDec".indexOf(found[2] ?? "-") / 3 + 1);
  const iso = `${found[3]}-${month.padStart(2, "0")}-${found[1]}T${found[4]}${found[5]}`;
  return parseTime(iso) ?? null;
}

/** Caddy 2: `request` is an object, `ts` seconds and `duration` seconds too. */
export function readCaddy(values: JsonObject): AccessLog | string {
  const { request } = values;
  if (!isObject(request)) return '"request" should be an object';
  const timeMs = secondsOrIso(values.ts);
  if (timeMs === null) return '"ts" should be a time';
  const seconds = numberOf(values.duration);
  return {
    host: textOf(request.client_ip) ?? textOf(request.remote_ip) ?? textOf(request.remote_addr),
    user: textOf(values.user_id),
    site: textOf(request.host),
    timeMs,
    method: textOf(request.method),
    target: textOf(request.uri),
    protocol: textOf(request.proto),
    status: numberOf(values.status),
    bytes: numberOf(values.size),
    referrer: header(request.headers, "Referer"),
    userAgent: header(request.headers, "User-Agent"),
    durationMs: seconds === null ? null : Math.round(seconds * 1000),
    contentType: header(values.resp_headers, "Content-Type"),
  };
}

/** Traefik: durations are nanoseconds; headers are there only where its configuration keeps them. */
export function readTraefik(values: JsonObject): AccessLog | string {
  const timeMs = secondsOrIso(values.StartUTC ?? values.StartLocal ?? values.time);
  if (timeMs === null) return 'it has no time: "StartUTC", "StartLocal" or "time"';
  const nanoseconds = numberOf(values.Duration);
  return {
    host: textOf(values.ClientHost) ?? textOf(values.ClientAddr)?.replace(/:\d+$/, "") ?? null,
    user: textOf(values.ClientUsername),
    site: textOf(values.RequestHost),
    timeMs,
    method: textOf(values.RequestMethod),
    target: textOf(values.RequestPath),
    protocol: textOf(values.RequestProtocol),
    status: numberOf(values.DownstreamStatus),
    bytes: numberOf(values.DownstreamContentSize),
    referrer: textOf(values.request_Referer),
    userAgent: textOf(values["request_User-Agent"]),
    durationMs: nanoseconds === null ? null : Math.round(nanoseconds / 1e6),
    contentType: textOf(values["downstream_Content-Type"]),
  };
}

/** Header names come in any case, their values in lists. */
function header(headers: Json | undefined, name: string): string | null {
  if (!isObject(headers)) return null;
  const key = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase());
  const value = key === undefined ? undefined : headers[key];
  return textOf(Array.isArray(value) ? (value[0] as Json) : value);
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? said(value) : typeof value === "number" ? String(value) : null;
}

function numberOf(value: Json | undefined): number | null {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : null;
}

/** Seconds since 1970 with decimals, the same as text, milliseconds where they can be nothing else, or ISO 8601. */
function secondsOrIso(value: Json | undefined): number | null {
  const number = numberOf(value);
  if (number !== null) return Math.round(number < secondsEnd ? number * 1000 : number);
  return parseTime(value) ?? null;
}

/** As seconds the year 5138, as milliseconds 1973: before any log. */
const secondsEnd = 1e11;

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
