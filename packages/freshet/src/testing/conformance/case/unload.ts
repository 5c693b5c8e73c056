import type { ConformanceCase, Header } from "../case.ts";
import { apart, asText, basicOf, exchange, iso, once, post, single, success } from "../send.ts";
import { browserEvent } from "./bodies.ts";

const dayMs = 86_400_000;

/** Section 7: what comes when a page is left, and what its next page sends again. */
export const unloadCases: readonly ConformanceCase[] = [
  {
    id: "unload-keepalive",
    section: 7,
    title: "a batch of 60 KB that leaves with its page is taken",
    script(scene) {
      const text = "x".repeat(5500);
      const names = Array.from({ length: 10 }, (_, index) => `e${index}`);
      const batch = names.map((name) =>
        browserEvent(scene, name, { properties: { product_id: "cer-01", text } }),
      );
      const headers: readonly Header[] = [basicOf(scene.writeKey), asText];
      return single(
        post(scene, "/v1/b", { batch, sentAt: iso(scene.now) }, { headers }),
        success,
        ...names.map((name) => once(scene, name)),
      );
    },
  },
  {
    id: "unload-beacon",
    section: 7,
    title: "a beacon has no headers of its own: text, and its key in the query",
    script(scene) {
      const { writeKey: _key, ...event } = browserEvent(scene);
      const headers: readonly Header[] = [
        ["Content-Type", "text/plain;charset=UTF-8"],
        ["Origin", "https://shop.example"],
      ];
      const path = `/v1/batch?writeKey=${encodeURIComponent(scene.writeKey)}`;
      return single(post(scene, path, { batch: [event] }, { headers }), success, once(scene));
    },
  },
  {
    id: "unload-persisted",
    section: 7,
    title: "a queue that waited two days in localStorage, half of it delivered before, counts once",
    script(scene) {
      const time = scene.now - 2 * dayMs;
      const old = (name: string) =>
        browserEvent(scene, name, {
          timestamp: iso(time),
          _metadata: { bundled: [], unbundled: [], retryCount: 2 },
        });
      const rule = { time: { near: time, withinMs: 330_000 } };
      return {
        connections: apart(
          exchange(post(scene, "/v1/t", old("one")), success),
          exchange(post(scene, "/v1/t", old("one")), success),
          exchange(post(scene, "/v1/t", old("two")), success),
        ),
        stored: [once(scene, "one", rule), once(scene, "two", rule)],
      };
    },
  },
];
