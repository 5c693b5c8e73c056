/** What cases are made of: events as clients send them, and the requests that carry them. */
import type { JsonObject } from "@freshet/protocol";
import type {
  AnswerRule,
  Connection,
  Exchange,
  Header,
  RawRequest,
  Scene,
  Script,
  Stored,
} from "./case.ts";

/** The product view of Segment's e-commerce specification: a name that plans and tracking plans know. */
export const trackName = "Product Viewed";

export const ok: AnswerRule = { status: [200] };
/** Segment's own answer; SDKs ignore the rest. */
export const success: AnswerRule = { status: [200], json: { success: true } };

export const iso = (ms: number): string => new Date(ms).toISOString();

/** A track as clients for servers send it. */
export function track(scene: Scene, name = "one", more: JsonObject = {}): JsonObject {
  return {
    type: "track",
    event: trackName,
    userId: scene.userId,
    messageId: scene.messageId(name),
    timestamp: iso(scene.now),
    properties: { product_id: "conformance" },
    context: { library: { name: "conformance", version: "1" } },
    integrations: {},
    ...more,
  };
}

export const basicOf = (writeKey: string): Header => [
  "Authorization",
  `Basic ${Buffer.from(`${writeKey}:`).toString("base64")}`,
];
export const asJson: Header = ["Content-Type", "application/json"];
export const asText: Header = ["Content-Type", "text/plain"];

export interface PostOptions {
  /** `asJson` and the write key as Basic user name unless said. */
  readonly headers?: readonly Header[];
  readonly transfer?: RawRequest["transfer"];
}

/** A body that is no bytes and no text goes as JSON. */
export function post(
  scene: Scene,
  path: string,
  body: JsonObject | string | Uint8Array,
  { headers, transfer }: PostOptions = {},
): RawRequest {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  return {
    method: "POST",
    path,
    headers: headers ?? [basicOf(scene.writeKey), asJson],
    body: isRaw ? body : JSON.stringify(body),
    ...(transfer === undefined ? {} : { transfer }),
  };
}

export const batchOf = (
  scene: Scene,
  events: readonly JsonObject[],
  more: JsonObject = {},
): JsonObject => ({ batch: events, sentAt: iso(scene.now), ...more });

/** A batch to `/v1/batch` with the usual key. */
export const postBatch = (
  scene: Scene,
  events: readonly JsonObject[],
  more: JsonObject = {},
): RawRequest => post(scene, "/v1/batch", batchOf(scene, events, more));

export const exchange = (request: RawRequest, answer: AnswerRule | null = ok): Exchange => ({
  request,
  answer,
});

/** Each exchange on a connection of its own. */
export const apart = (...exchanges: readonly Exchange[]): readonly Connection[] =>
  exchanges.map((one) => ({ exchanges: [one] }));

/** One request. */
export const single = (
  request: RawRequest,
  answer: AnswerRule | null,
  ...stored: readonly Stored[]
): Script => ({ connections: apart(exchange(request, answer)), stored });

type EventRule = Extract<Stored, { readonly kind: "message" }>["event"];

export function once(scene: Scene, name = "one", event?: EventRule): Stored {
  const messageId = scene.messageId(name);
  return { kind: "message", messageId, count: 1, ...(event === undefined ? {} : { event }) };
}

export const never = (scene: Scene, name = "one"): Stored => ({
  kind: "message",
  messageId: scene.messageId(name),
  count: 0,
});
