import { gzipSync } from "node:zlib";
import type { JsonObject } from "@freshet/protocol";
import type { ConformanceCase, Header, Scene } from "../case.ts";
import {
  asJson,
  asText,
  basicOf,
  batchOf,
  iso,
  once,
  post,
  postBatch,
  single,
  success,
  track,
  trackName,
} from "../send.ts";

/** Section 3: what is in a body, and how it is packed. Times and ids have files of their own. */
export const bodyCases: readonly ConformanceCase[] = [
  typed("text", "as text/plain", [asText]),
  typed("text-charset", "as text/plain;charset=UTF-8", [
    ["content-type", "text/plain;charset=UTF-8"],
  ]),
  typed("json-charset", "as application/json;charset=UTF-8", [
    ["Content-Type", "application/json;charset=UTF-8"],
  ]),
  typed("untyped", "without a content type", []),
  {
    id: "body-gzip",
    section: 3,
    title: "a compressed body is read (Segment's Python client with gzip)",
    script(scene) {
      const bytes = gzipSync(JSON.stringify(batchOf(scene, [track(scene)])));
      const encoded: Header = ["Content-Encoding", "gzip"];
      const headers = [basicOf(scene.writeKey), asJson, encoded];
      return single(post(scene, "/v1/batch", bytes, { headers }), success, once(scene));
    },
  },
  {
    id: "body-gzip-form",
    section: 3,
    title: "a compressed body that calls itself a form is read (RudderStack's client for Node)",
    script(scene) {
      const bytes = gzipSync(JSON.stringify(batchOf(scene, [track(scene)])));
      const encoded: Header = ["Content-Encoding", "gzip"];
      const typed: Header = ["Content-Type", "application/x-www-form-urlencoded"];
      const headers = [basicOf(scene.writeKey), typed, encoded];
      return single(post(scene, "/v1/batch", bytes, { headers }), success, once(scene));
    },
  },
  {
    id: "body-node",
    section: 3,
    title: "a batch of analytics-node keeps person, name, properties and context",
    script(scene) {
      const event = {
        ...track(scene),
        properties: { product_id: "cer-01", price: 12.5, tags: ["a", "b"], deep: { x: null } },
        context: { library: { name: "@segment/analytics-node", version: "3.1.0" } },
        _metadata: { nodeVersion: "24.0.0", jsRuntime: "node" },
      };
      const stored = once(scene, "one", {
        type: "track",
        name: trackName,
        userId: scene.userId,
        properties: { product_id: "cer-01", price: 12.5, tags: ["a", "b"] },
        context: { library: { name: "@segment/analytics-node" } },
      });
      const writeKey = scene.writeKey;
      return single(postBatch(scene, [event], { writeKey }), success, stored);
    },
  },
  {
    id: "body-browser",
    section: 3,
    title: "a call of analytics-next keeps person, page and campaign",
    script(scene) {
      const stored = once(scene, "one", {
        anonymousId: scene.anonymousId,
        properties: { product_id: "cer-01" },
        context: {
          page: { path: "/sale", title: "Sale" },
          campaign: { source: "news", name: "may" },
          library: { name: "analytics.js" },
        },
      });
      return single(
        post(scene, "/v1/t", browserEvent(scene), { headers: [basicOf(scene.writeKey), asText] }),
        success,
        stored,
      );
    },
  },
  ...["identify", "group"].map(traitsCase),
  {
    id: "body-identify-context",
    section: 3,
    title: "identify takes its traits from the context where it has no others (RudderStack's SDKs)",
    script(scene) {
      const { event: _event, properties: _properties, ...rest } = track(scene);
      const event = { ...rest, type: "identify", context: { traits: { plan: "gold" } } };
      const stored = once(scene, "one", { type: "identify", traits: { plan: "gold" } });
      return single(post(scene, "/v1/identify", event), success, stored);
    },
  },
  {
    id: "body-unknown-fields",
    section: 3,
    title: "fields that nobody knows do not keep an event out",
    script: (scene) =>
      single(
        postBatch(scene, [track(scene, "one", { channel: "x", "🦊": { a: [1] } })], { extra: 1 }),
        success,
        once(scene, "one", { properties: { product_id: "conformance" } }),
      ),
  },
  {
    id: "body-user-null",
    section: 3,
    title: "userId null beside an anonymousId is nobody's id",
    script: (scene) =>
      single(
        postBatch(scene, [track(scene, "one", { userId: null, anonymousId: scene.anonymousId })]),
        success,
        once(scene, "one", { anonymousId: scene.anonymousId }),
      ),
  },
  {
    id: "body-nobody",
    section: 3,
    title: "an event of nobody is refused alone",
    script(scene) {
      const { userId: _userId, ...nobody } = track(scene, "nobody");
      return single(
        postBatch(scene, [track(scene, "good"), nobody]),
        { status: [200] },
        once(scene, "good"),
        { kind: "message", messageId: scene.messageId("nobody"), count: 0 },
      );
    },
  },
  {
    id: "body-batch-context",
    section: 3,
    title: "the context of a batch is merged into its events, and the event wins",
    script(scene) {
      const context = { locale: "de-DE", timezone: "Europe/Berlin", app: { name: "shop" } };
      const own = { locale: "en-GB", library: { name: "conformance" } };
      return single(
        postBatch(scene, [track(scene, "one", { context: own }), without(track(scene, "two"))], {
          context,
          integrations: { All: true },
        }),
        success,
        once(scene, "one", {
          context: { locale: "en-GB", timezone: "Europe/Berlin", library: { name: "conformance" } },
        }),
        once(scene, "two", { context: { locale: "de-DE", app: { name: "shop" } } }),
      );
    },
  },
  {
    id: "body-ip",
    section: 3,
    needs: "keyKind",
    title: "an address in the context is believed from a server, and never from a page",
    script(scene) {
      const ip = "203.0.113.9";
      const rule = scene.keyKind === "server" ? { context: { ip } } : { contextLacks: { ip } };
      return single(
        postBatch(scene, [track(scene, "one", { context: { ip } })]),
        success,
        once(scene, "one", rule),
      );
    },
  },
];

function typed(id: string, how: string, type: readonly Header[]): ConformanceCase {
  return {
    id: `body-${id}`,
    section: 3,
    title: `JSON sent ${how} is read`,
    script: (scene) =>
      single(
        post(scene, "/v1/batch", batchOf(scene, [track(scene)]), {
          headers: [basicOf(scene.writeKey), ...type],
        }),
        success,
        once(scene),
      ),
  };
}

/** As analytics-next 1.84.3 was seen to send it. */
export function browserEvent(scene: Scene, name = "one", more: JsonObject = {}): JsonObject {
  return {
    type: "track",
    event: trackName,
    messageId: scene.messageId(name),
    timestamp: iso(scene.now),
    sentAt: iso(scene.now),
    userId: null,
    anonymousId: scene.anonymousId,
    properties: { product_id: "cer-01" },
    context: {
      page: {
        path: "/sale",
        referrer: "",
        search: "?utm_source=news",
        title: "Sale",
        url: "https://shop.example/sale",
      },
      userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
      locale: "en-GB",
      timezone: "Europe/London",
      campaign: { source: "news", name: "may" },
      library: { name: "analytics.js", version: "npm:next-1.84.3" },
    },
    integrations: {},
    writeKey: scene.writeKey,
    _metadata: { bundled: ["Segment.io"], unbundled: [], bundledIds: [] },
    ...more,
  };
}

function traitsCase(type: string): ConformanceCase {
  return {
    id: `body-${type}`,
    section: 3,
    title: type === "identify" ? "identify keeps its traits" : "group keeps its groupId",
    script(scene) {
      const { event: _event, properties: _properties, ...rest } = track(scene);
      const own = type === "group" ? { groupId: "conformance-group" } : {};
      const event = { ...rest, type, ...own, traits: { plan: "gold" } };
      const rule = type === "group" ? own : { traits: { plan: "gold" } };
      return single(postBatch(scene, [event]), success, once(scene, "one", { type, ...rule }));
    },
  };
}

function without(event: JsonObject): JsonObject {
  const { context: _context, ...rest } = event;
  return rest;
}
