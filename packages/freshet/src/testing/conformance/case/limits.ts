import { gzipSync } from "node:zlib";
import type { ConformanceCase, Header, Scene } from "../case.ts";
import {
  asJson,
  basicOf,
  batchOf,
  never,
  once,
  post,
  postBatch,
  single,
  success,
  track,
} from "../send.ts";

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

/** Section 4: SDKs count wrong, so that servers meet what should never have been sent. */
export const limitCases: readonly ConformanceCase[] = [
  {
    id: "limit-event-below",
    section: 4,
    title: "an event of 31 KB is taken",
    script: (scene) =>
      single(postBatch(scene, [sized(scene, "one", 31 * kilobyte)]), success, once(scene)),
  },
  ...["x", "i", "ü"].map(
    (letter): ConformanceCase => ({
      id: `limit-event-${letter === "ü" ? "umlaut" : letter}`,
      section: 4,
      title: `an event of 33 KB of "${letter}" is refused alone: its batch is taken`,
      script(scene) {
        const good = Array.from({ length: 14 }, (_, index) => track(scene, `good${index}`));
        const big = sized(scene, "big", 33 * kilobyte, letter);
        return single(
          postBatch(scene, [...good.slice(0, 7), big, ...good.slice(7)]),
          success,
          never(scene, "big"),
          ...good.map((_, index) => once(scene, `good${index}`)),
        );
      },
    }),
  ),
  {
    id: "limit-batch-480",
    section: 4,
    title: "a batch of 480 KB is taken",
    script: (scene) => many(scene, 20, 24 * kilobyte),
  },
  {
    id: "limit-batch-600",
    section: 4,
    title: "a batch of 600 KB is taken event by event: a client that counts wrong loses nothing",
    script: (scene) => many(scene, 25, 24 * kilobyte),
  },
  {
    id: "limit-batch-600-two",
    section: 4,
    title: "two events of 300 KB in one request (seen from analytics-node) are refused one by one",
    script: (scene) =>
      single(
        postBatch(scene, [
          sized(scene, "one", 300 * kilobyte),
          sized(scene, "two", 300 * kilobyte),
          track(scene, "good"),
        ]),
        { status: [200] },
        never(scene, "one"),
        never(scene, "two"),
        once(scene, "good"),
      ),
  },
  tooLarge("limit-body", "a body over 1 MiB is 413", (scene) => ({
    body: oversized(scene),
  })),
  tooLarge(
    "limit-body-chunked",
    "a body over 1 MiB in chunks, its length unsaid, is 413",
    (scene) => ({
      body: oversized(scene),
      chunked: true,
    }),
  ),
  tooLarge("limit-inflated", "a body that inflates to over 1 MiB is 413", (scene) => ({
    body: gzipSync(oversized(scene)),
    encoding: "gzip",
  })),
  tooLarge(
    "limit-bomb",
    "a body that inflates to 64 MiB is 413, and the server stays",
    (scene) => ({
      body: gzipSync(
        Buffer.concat([Buffer.from(oversized(scene)), Buffer.alloc(64 * megabyte, 32)]),
      ),
      encoding: "gzip",
    }),
  ),
];

function sized(scene: Scene, name: string, bytes: number, letter = "x") {
  const text = letter.repeat(Math.floor(bytes / Buffer.byteLength(letter)));
  return track(scene, name, { properties: { product_id: "conformance", text } });
}

function many(scene: Scene, count: number, bytes: number) {
  const names = Array.from({ length: count }, (_, index) => `e${index}`);
  const events = names.map((name) => sized(scene, name, bytes));
  return single(postBatch(scene, events), success, ...names.map((name) => once(scene, name)));
}

/** Valid in all but its length, so that nothing else can be what it is refused for. */
function oversized(scene: Scene): string {
  const events = Array.from({ length: 50 }, (_, index) =>
    sized(scene, index === 0 ? "one" : `e${index}`, 24 * kilobyte),
  );
  return JSON.stringify(batchOf(scene, events));
}

interface Packed {
  readonly body: string | Uint8Array;
  readonly encoding?: string;
  readonly chunked?: boolean;
}

function tooLarge(id: string, title: string, pack: (scene: Scene) => Packed): ConformanceCase {
  return {
    id,
    section: 4,
    title,
    script(scene) {
      const { body, encoding, chunked = false } = pack(scene);
      const headers: readonly Header[] = [
        basicOf(scene.writeKey),
        asJson,
        ...(encoding === undefined ? [] : [["Content-Encoding", encoding] as const]),
      ];
      const transfer = { kind: "chunked", bytes: 16 * kilobyte } as const;
      const request = post(scene, "/v1/batch", body, {
        headers,
        ...(chunked ? { transfer } : {}),
      });
      return single(request, { status: [413] }, never(scene));
    },
  };
}
