import type { JsonObject } from "@freshet/protocol";
import type { ConformanceCase, Scene, Stored } from "../case.ts";
import { apart, exchange, iso, once, post, postBatch, single, success, track } from "../send.ts";
import { browserEvent } from "./bodies.ts";

/** Section 3: message ids. A client that did not see an answer sends the same ids again. */
export const idCases: readonly ConformanceCase[] = [
  {
    id: "id-repeated-request",
    section: 3,
    title: "a request that is sent twice counts once",
    script(scene) {
      const request = postBatch(scene, [track(scene, "one"), track(scene, "two")]);
      return {
        connections: apart(exchange(request, success), exchange(request, success)),
        stored: [once(scene, "one"), once(scene, "two")],
      };
    },
  },
  {
    id: "id-repeated-in-batch",
    section: 3,
    title: "an id that stands twice in one batch counts once",
    script: (scene) => single(postBatch(scene, [track(scene), track(scene)]), success, once(scene)),
  },
  {
    id: "id-repeated-on-other-path",
    section: 3,
    title: "an event that comes alone and again in a batch counts once",
    script: (scene) => ({
      connections: apart(
        exchange(post(scene, "/v1/t", browserEvent(scene)), success),
        exchange(post(scene, "/v1/b", { batch: [browserEvent(scene)] }), success),
      ),
      stored: [once(scene)],
    }),
  },
  {
    id: "id-retry-sent-at",
    section: 3,
    title: "a retry has a new sentAt and the same id: it counts once, at its own time",
    script(scene) {
      const time = scene.now - 60_000;
      const events = [track(scene, "one", { timestamp: iso(time) })];
      const again = { sentAt: iso(scene.now + 4000) };
      return {
        connections: apart(
          exchange(postBatch(scene, events), success),
          exchange(postBatch(scene, events, again), success),
        ),
        stored: [once(scene, "one", { time: { near: time, withinMs: 15_000 } })],
      };
    },
  },
  apartCase("id-sliding-window", "ids that share a window of random bytes are told apart", [
    "6400-33db03e7431964aa-",
    "33db03e7431964aa-d319-",
    "db03e7431964aad3-1964-",
  ]),
  apartCase(
    "id-same-beginning",
    "ids that differ in their last character alone are told apart",
    ["0", "1", "2"],
    (ending, base) => `${base}-${"a".repeat(120)}${ending}`,
  ),
  apartCase(
    "id-same-end",
    "ids that differ at their beginning alone are told apart",
    ["x", "y", "z"],
    (beginning, base) => `${beginning}-${base}-${"a".repeat(120)}`,
  ),
  apartCase("id-case", "ids that differ in case alone are told apart", ["abc", "ABC", "Abc"]),
  {
    id: "id-missing",
    section: 3,
    title: "events without an id are all kept",
    script(scene) {
      const bare = (index: number): JsonObject => {
        const { messageId: _id, ...rest } = track(scene, "one", {
          properties: { product_id: "conformance", index },
        });
        return rest;
      };
      return single(postBatch(scene, [bare(0), bare(1), bare(2)]), success, {
        kind: "person",
        who: { userId: scene.userId },
        count: 3,
      });
    },
  },
  {
    id: "id-null",
    section: 3,
    title: "an id of null is none",
    script: (scene) =>
      single(postBatch(scene, [track(scene, "one", { messageId: null })]), success, {
        kind: "person",
        who: { userId: scene.userId },
        count: 1,
      }),
  },
];

/** Ids by their parts; the case's own base keeps runs apart. */
function apartCase(
  id: string,
  title: string,
  parts: readonly string[],
  make = (part: string, base: string) => `node-next-1780000000000-${part}${base}`,
): ConformanceCase {
  return {
    id,
    section: 3,
    title,
    script(scene: Scene) {
      const ids = parts.map((part) => make(part, scene.messageId("")));
      const events = ids.map((messageId) => track(scene, "one", { messageId }));
      const stored = ids.map((messageId): Stored => ({ kind: "message", messageId, count: 1 }));
      return single(postBatch(scene, events), success, ...stored);
    },
  };
}
