/** The least that passes the suite, in memory, and what it may do wrong. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { Json, JsonObject } from "@freshet/protocol";
import type { Outage, StoredEvent, Target } from "../../src/testing/conformance/index.ts";

export type Defect =
  | "storesNothing"
  | "storesAllTwice"
  | "redirectsSlashes"
  | "createdInsteadOfOk"
  | "starHeaders"
  | "starOrigin"
  | "exposesNothing"
  | "forgetsPreflights"
  | "onlyVersioned"
  | "settingsOfSegment"
  | "onlyBasic"
  | "wantsColon"
  | "wantsJsonType"
  | "knowsNoGzip"
  | "knowsNoDuplicates"
  | "comparesBeginnings"
  | "comparesEnds"
  | "comparesWithoutCase"
  | "dropsMissingIds"
  | "believesClocks"
  | "believesTheFuture"
  | "takesArrivalForTime"
  | "dropsBatchContext"
  | "batchContextWins"
  | "believesAddresses"
  | "dropsContextTraits"
  | "refusesWholeBatches"
  | "takesLargeEvents"
  | "takesHalfAMegabyte"
  | "takesAnyLength"
  | "hidesBadBodies"
  | "retryAfterIsDate"
  | "closesConnections";

export interface SmallServer {
  readonly target: Target;
  close(): Promise<void>;
}

const key = "small-key";
const eventBytesMax = 32 * 1024;

export async function openSmallServer(defect: Defect | null): Promise<SmallServer> {
  const state: State = { has: (one) => one === defect, events: [], seen: new Set(), out: false };
  const server = createServer((request, response) => void serve(state, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const outage: Outage = {
    begin: async () => {
      state.out = true;
    },
    end: async () => {
      state.out = false;
    },
  };
  const probe: Target["probe"] = {
    async find(messageId) {
      const found = state.events.filter((event) => event.messageId === messageId);
      return { count: found.length, ...(found[0] === undefined ? {} : { event: found[0] }) };
    },
    list: async (who) =>
      state.events.filter((event) =>
        "userId" in who ? event.userId === who.userId : event.anonymousId === who.anonymousId,
      ),
  };
  const url = `http://127.0.0.1:${port}`;
  return {
    target: { url, writeKey: key, keyKind: "browser", probe, outage },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface State {
  readonly has: (defect: Defect) => boolean;
  readonly events: StoredEvent[];
  readonly seen: Set<string>;
  out: boolean;
}

/** A refusal, as the status that it is answered with. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? "/", "http://small");
  const { has } = state;
  for (const [name, value] of Object.entries(corsOf(state, request)))
    response.setHeader(name, value);
  if (has("closesConnections")) response.setHeader("connection", "close");
  const answer = (status: number, body: object) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  try {
    if (has("redirectsSlashes") && url.pathname.endsWith("/")) throw new Refusal(302);
    if (request.method === "OPTIONS") return void response.writeHead(200).end();
    const body = await bodyOf(request);
    const answered = route(state, request, { url, body });
    answer(has("createdInsteadOfOk") ? 201 : 200, answered);
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 400;
    if (status === 503) {
      const seconds = has("retryAfterIsDate") ? new Date().toUTCString() : "1";
      response.setHeader("retry-after", seconds).setHeader("x-ratelimit-reset", "1");
    }
    answer(has("hidesBadBodies") && status === 400 ? 200 : status, { success: status === 200 });
  }
}

function corsOf({ has }: State, request: IncomingMessage): Record<string, string> {
  const { origin = "" } = request.headers;
  if (request.method === "OPTIONS" && has("forgetsPreflights")) return {};
  const asked = String(request.headers["access-control-request-headers"] ?? "");
  return {
    vary: "Origin",
    "access-control-allow-origin": has("starOrigin") ? "*" : origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": has("starHeaders") ? "*" : asked,
    "access-control-max-age": "86400",
    ...(has("exposesNothing")
      ? {}
      : { "access-control-expose-headers": "Retry-After, X-RateLimit-Reset" }),
  };
}

/** All of it, whatever its length: this server has nothing to protect. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Asked {
  readonly url: URL;
  readonly body: Buffer;
}

function route(state: State, request: IncomingMessage, asked: Asked): object {
  const path = asked.url.pathname.replace(/\/+$/, "");
  const [, version, rest = ""] = /^(\/v1)?\/(.*)$/.exec(path) ?? [];
  if (version === undefined && state.has("onlyVersioned")) throw new Refusal(404);
  const settings = /^projects\/(.*)\/settings$/.exec(rest);
  if (settings !== null) return settingsOf(state, settings[1] ?? "");
  if (rest === "stored") return storedIn(state, asked.url.searchParams);
  if (request.method !== "POST") throw new Refusal(400);
  if (rest === "m") return { success: true };
  return capture(state, request, { ...asked, name: rest });
}

/** What it has, for a probe in another process. */
function storedIn(state: State, query: URLSearchParams): readonly StoredEvent[] {
  const outage = query.get("outage");
  if (outage !== null) state.out = outage === "begin";
  const wanted = [...query];
  return state.events.filter((event) =>
    wanted.every(([name, value]) => event[name as keyof StoredEvent] === value),
  );
}

function settingsOf({ has }: State, writeKey: string): object {
  if (writeKey !== key) throw new Refusal(401);
  const apiHost = has("settingsOfSegment") ? "api.segment.io/v1" : "small/v1";
  return { integrations: { "Segment.io": { apiKey: key, apiHost } }, metrics: { host: apiHost } };
}

function capture(
  state: State,
  request: IncomingMessage,
  { url, body, name }: Asked & { readonly name: string },
): object {
  const { has } = state;
  const { authorization, "content-type": type = "" } = request.headers;
  if (has("wantsJsonType") && !type.includes("application/json")) throw new Refusal(400);
  const basic = basicOf(state, authorization);
  const parsed = parse(state, request.headers["content-encoding"], body);
  const isBatch = ["batch", "b", "import"].includes(name);
  const events = isBatch ? parsed.batch : [parsed];
  if (!Array.isArray(events)) throw new Refusal(400);
  const ofEvent = (events as JsonObject[]).find((event) => event.writeKey !== undefined)?.writeKey;
  const elsewhere = parsed.writeKey ?? ofEvent ?? url.searchParams.get("writeKey");
  if ((basic ?? (has("onlyBasic") ? null : elsewhere)) !== key) throw new Refusal(401);
  if (has("refusesWholeBatches") && events.some(isLarge)) throw new Refusal(400);
  if (state.out) throw new Refusal(503);
  for (const event of events as JsonObject[])
    store(state, event, isBatch ? parsed : {}, parsed.sentAt);
  return { success: true };
}

function basicOf({ has }: State, authorization = ""): string | null {
  if (!/^basic /i.test(authorization)) return null;
  const [name = "", ...password] = Buffer.from(authorization.slice(6), "base64")
    .toString()
    .split(":");
  if (has("wantsColon") && password.length === 0) throw new Refusal(401);
  return name;
}

function parse({ has }: State, encoding: string | undefined, body: Buffer): JsonObject {
  const bytesMax = has("takesHalfAMegabyte") ? 500_000 : 1024 * 1024;
  if (encoding !== undefined && (encoding !== "gzip" || has("knowsNoGzip"))) throw new Refusal(400);
  const plain = encoding === undefined ? body : gunzipSync(body);
  if (plain.length > bytesMax && !has("takesAnyLength")) throw new Refusal(413);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(plain);
  const value = JSON.parse(text) as Json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refusal(400);
  return value as JsonObject;
}

const isLarge = (event: Json) => Buffer.byteLength(JSON.stringify(event)) > eventBytesMax;

function store(state: State, event: JsonObject, batch: JsonObject, sentAt: Json | undefined): void {
  const { has, events, seen } = state;
  const isNobody = (event.userId ?? event.anonymousId ?? null) === null;
  if (isNobody || (isLarge(event) && !has("takesLargeEvents")) || has("storesNothing")) return;
  if (event.messageId == null && has("dropsMissingIds")) return;
  const messageId = String(event.messageId ?? `made-${events.length}`);
  const known = sameAs(state, messageId);
  if (seen.has(known) && !has("knowsNoDuplicates")) return;
  seen.add(known);
  const stored = { ...event, messageId, ...contextOf(state, event, batch) } as object;
  const name = typeof event.event === "string" ? { name: event.event } : {};
  const full = {
    ...stored,
    ...name,
    ...traitsOf(state, event),
    time: timeOf(state, event, sentAt),
  } as StoredEvent;
  events.push(full);
  if (has("storesAllTwice")) setTimeout(() => events.push(full), 200);
}

function sameAs({ has }: State, id: string): string {
  if (has("comparesBeginnings")) return id.slice(0, 80);
  if (has("comparesEnds")) return id.slice(-80);
  return has("comparesWithoutCase") ? id.toLowerCase() : id;
}

function contextOf({ has }: State, event: JsonObject, batch: JsonObject): object {
  const [shared, own] = [batch.context as JsonObject, event.context as JsonObject];
  const merged = has("dropsBatchContext")
    ? own
    : has("batchContextWins")
      ? { ...own, ...shared }
      : { ...shared, ...own };
  return { context: { ...merged, ...(has("believesAddresses") ? {} : { ip: "127.0.0.1" }) } };
}

function traitsOf({ has }: State, { traits, context }: JsonObject): object {
  const shared = has("dropsContextTraits") ? undefined : (context as JsonObject)?.traits;
  return { traits: traits ?? shared };
}

function timeOf({ has }: State, event: JsonObject, sentAt: Json | undefined): number {
  const now = Date.now();
  const text = event.originalTimestamp ?? event.timestamp;
  if (typeof text !== "string" || has("takesArrivalForTime")) return now;
  const skew = typeof sentAt === "string" ? now - Date.parse(sentAt) : 0;
  const time = Date.parse(text) + (has("believesClocks") ? 0 : skew);
  return has("believesTheFuture") ? time : Math.min(now, time);
}
