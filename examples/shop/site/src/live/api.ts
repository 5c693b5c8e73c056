import { fields, parseJson, text } from "../json.ts";

/** Nothing here throws: a shop must go on selling when its pipeline does not answer. */
export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number; readonly message: string };

export interface Ask {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  readonly authorization?: string;
}

/** A page that waits longer than this has lost its visitor. */
const REQUEST_MS_MAX = 5000;

export async function ask(path: string, options: Ask = {}): Promise<Answer> {
  try {
    const response = await fetch(path, {
      method: options.method ?? "GET",
      cache: "no-store",
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
      headers: headersOf(options),
      body: options.body === undefined ? null : JSON.stringify(options.body),
    });
    const body = parseJson(await response.text());
    if (response.ok && body !== undefined) return { ok: true, body };
    return { ok: false, status: response.status, message: messageOf(body, response.status) };
  } catch {
    return { ok: false, status: 0, message: "the server cannot be reached" };
  }
}

function headersOf(options: Ask): Record<string, string> {
  const headers: Record<string, string> = {};
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.authorization !== undefined) headers.Authorization = options.authorization;
  return headers;
}

function messageOf(body: unknown, status: number): string {
  const { message, error } = fields(body);
  return text(message) || text(error) || text(fields(error).message) || `status ${status}`;
}
