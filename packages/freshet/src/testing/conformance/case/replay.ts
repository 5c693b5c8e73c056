import { gzipSync } from "node:zlib";
import type { JsonObject } from "@freshet/protocol";
import type { ConformanceCase, Header, Scene, Script } from "../case.ts";
import { basicOf, batchOf, once, post, single, success, track } from "../send.ts";

/** Section 3: what clients send that run where no test can run them, byte for byte as their sources write it. */
export const replayCases: readonly ConformanceCase[] = [
  {
    id: "replay-kotlin",
    section: 3,
    title: "a batch of analytics-kotlin is read: text, compressed, in chunks, its key in the body",
    script(scene) {
      const body = JSON.stringify(mobileBatch(scene, "analytics-kotlin"));
      const headers: readonly Header[] = [
        ["Content-Encoding", "gzip"],
        ["User-Agent", "analytics-kotlin/1.19.0"],
        ["Content-Type", "text/plain"],
        ["Accept", "*/*"],
      ];
      const transfer = { kind: "chunked", bytes: 64 } as const;
      const request = post(scene, "/v1/b", gzipSync(body), { headers, transfer });
      return replayed(scene, request);
    },
  },
  {
    id: "replay-swift",
    section: 3,
    title: "a batch of analytics-swift is read: no Authorization, its key in the body",
    script(scene) {
      const headers: readonly Header[] = [
        ["Accept", "*/*"],
        ["Content-Type", "application/json; charset=utf-8"],
        ["Accept-Encoding", "gzip"],
        ["User-Agent", "analytics-ios/1.7.0"],
        ["Connection", "keep-alive"],
      ];
      return replayed(
        scene,
        post(scene, "/v1/b", mobileBatch(scene, "analytics-swift"), { headers }),
      );
    },
  },
  ...["/v1/import", "/v1/batch"].map(
    (path): ConformanceCase => ({
      id: `replay-ruby-${path.slice(4)}`,
      section: 3,
      title: `a batch of analytics-ruby to ${path} is read, a retry among them`,
      script(scene) {
        const headers: readonly Header[] = [
          ["Accept", "application/json"],
          ["Content-Type", "application/json"],
          ["User-Agent", "analytics-ruby/2.5.0"],
          ["X-Retry-Count", "1"],
          basicOf(scene.writeKey),
          ["Connection", "close"],
        ];
        const { batch, sentAt } = batchOf(scene, [ofLibrary(scene, "analytics-ruby")]);
        return replayed(scene, post(scene, path, { sentAt, batch }, { headers }));
      },
    }),
  ),
];

/** Apps write their events to a file, and close it with the moment of the upload and the key. */
function mobileBatch(scene: Scene, library: string): JsonObject {
  return { ...batchOf(scene, [ofLibrary(scene, library)]), writeKey: scene.writeKey };
}

function ofLibrary(scene: Scene, library: string): JsonObject {
  const { userId, anonymousId } = scene;
  const context = { library: { name: library, version: "1" }, timezone: "Europe/Berlin" };
  return track(scene, "one", { userId, anonymousId, context, _metadata: { bundled: [] } });
}

function replayed(scene: Scene, request: ReturnType<typeof post>): Script {
  const { userId, anonymousId } = scene;
  const context = { timezone: "Europe/Berlin" };
  return single(request, success, once(scene, "one", { userId, anonymousId, context }));
}
