import { gzipSync } from "node:zlib";
import type { ConformanceCase, Header, RawRequest, Scene } from "../case.ts";
import {
  apart,
  asJson,
  basicOf,
  batchOf,
  exchange,
  never,
  ok,
  once,
  post,
  postBatch,
  single,
  success,
  track,
} from "../send.ts";

/**
 * Section 5: what a status makes clients do. That no answer is anything but 200, 400, 401, 413, 429 or 503, and that
 * 429 and 503 say for how long, is asked of every answer of every case.
 */
export const statusCases: readonly ConformanceCase[] = [
  {
    id: "status-success",
    section: 5,
    title: "what was kept is answered with 200 and success: true",
    script: (scene) => single(postBatch(scene, [track(scene)]), success, once(scene)),
  },
  unreadable("status-not-json", "a body that is not JSON is 400", () => "{"),
  unreadable("status-empty", "an empty body is 400", () => ""),
  unreadable("status-wrong-shape", "a body of another shape is 400", () => "[1]"),
  unreadable("status-not-utf8", "a body that is not UTF-8 is 400", () =>
    Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
  ),
  unreadable(
    "status-gzip-cut",
    "a compressed body that is cut is 400",
    (scene) => gzipSync(JSON.stringify(batchOf(scene, [track(scene)]))).subarray(0, 60),
    [["Content-Encoding", "gzip"]],
  ),
  unreadable(
    "status-encoding",
    "a content encoding that nobody knows is 400",
    (scene) => JSON.stringify(batchOf(scene, [track(scene)])),
    [["Content-Encoding", "x-nobody"]],
  ),
  {
    id: "status-method",
    section: 5,
    title: "a wrong method on a known path is 400, not 404",
    script: () => ({
      connections: apart(
        ...(["GET", "PUT"] as const).map((method) =>
          exchange({ method, path: "/v1/track", headers: [] }, { status: [400, 401] }),
        ),
      ),
    }),
  },
  {
    id: "status-empty-batch",
    section: 5,
    title: "an empty batch is 200",
    script: (scene) => single(postBatch(scene, []), ok),
  },
  {
    id: "status-retry-count",
    section: 5,
    title: "X-Retry-Count is taken",
    script(scene) {
      const body = batchOf(scene, [track(scene)]);
      const headers: readonly Header[] = [basicOf(scene.writeKey), asJson, ["X-Retry-Count", "3"]];
      return single(post(scene, "/v1/batch", body, { headers }), success, once(scene));
    },
  },
  {
    id: "status-expect",
    section: 5,
    title: "Expect: 100-continue is served (curl sends it with long bodies)",
    script(scene) {
      const headers: readonly Header[] = [
        basicOf(scene.writeKey),
        asJson,
        ["Expect", "100-continue"],
      ];
      const body = batchOf(scene, [track(scene)]);
      return single(post(scene, "/v1/batch", body, { headers }), success, once(scene));
    },
  },
  {
    id: "status-keep-alive",
    section: 5,
    title: "one connection carries request after request, refusals among them",
    script(scene) {
      const names = ["one", "two", "three"];
      const good = names.map((name) => exchange(postBatch(scene, [track(scene, name)]), success));
      const bad = exchange(post(scene, "/v1/batch", "{"), { status: [400] });
      const exchanges = good.flatMap((one) => [one, bad]);
      return {
        connections: [{ exchanges }],
        stored: names.map((name) => once(scene, name)),
      };
    },
  },
  {
    id: "status-cut",
    section: 5,
    title: "a request that breaks off is not kept; sent again it counts once",
    script(scene) {
      const whole = postBatch(scene, [track(scene, "one"), track(scene, "two")]);
      const broken: RawRequest = { ...whole, transfer: { kind: "cut", bytes: 200 } };
      return {
        connections: apart(exchange(broken, null), exchange(whole, success)),
        stored: [once(scene, "one"), once(scene, "two")],
      };
    },
  },
  {
    id: "status-outage",
    section: 5,
    needs: "outage",
    title: "a server that cannot keep says 429 or 503 and for how long, and takes the retry once",
    script(scene) {
      const request = postBatch(scene, [track(scene, "one"), track(scene, "two")]);
      const refusal = { status: [429, 503] };
      return {
        connections: [
          { exchanges: [exchange(request, refusal)], duringOutage: true },
          { exchanges: [exchange(request, success)] },
        ],
        stored: [once(scene, "one"), once(scene, "two")],
      };
    },
  },
];

function unreadable(
  id: string,
  title: string,
  body: (scene: Scene) => string | Uint8Array,
  headers: readonly Header[] = [],
): ConformanceCase {
  return {
    id,
    section: 5,
    title,
    script: (scene) =>
      single(
        post(scene, "/v1/batch", body(scene), {
          headers: [basicOf(scene.writeKey), asJson, ...headers],
        }),
        { status: [400] },
        never(scene),
      ),
  };
}
