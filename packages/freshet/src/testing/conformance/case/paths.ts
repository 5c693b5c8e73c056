import type { JsonObject } from "@freshet/protocol";
import type { ConformanceCase, RawRequest, Scene } from "../case.ts";
import {
  apart,
  asText,
  batchOf,
  exchange,
  ok,
  once,
  post,
  single,
  success,
  track,
} from "../send.ts";

/** Section 1: every path that a client of the last years was seen to use, in each of its spellings. */
export const pathCases: readonly ConformanceCase[] = [
  ...["batch", "import", "b"].flatMap((name) => spellings(name, batchBody)),
  ...["track", "identify", "page", "screen", "group", "alias"].flatMap((type) => [
    ...spellings(type.slice(0, 1), (scene) => singleOf(scene, type)),
    ...spellings(type, (scene) => singleOf(scene, type)),
  ]),
  ...["/v1/m", "/m"].map(telemetryCase),
  ...["/v1/projects/:writeKey/settings", "/projects/:writeKey/settings"].flatMap(settingsCases),
];

type MakeBody = (scene: Scene) => JsonObject;

function spellings(name: string, body: MakeBody): readonly ConformanceCase[] {
  return [
    ["v1", `/v1/${name}`],
    ["v1-slash", `/v1/${name}/`],
    ["bare", `/${name}`],
    ["bare-slash", `/${name}/`],
  ].map(([spelling, path = ""]) => ({
    id: `path-${spelling}-${name}`,
    section: 1,
    title: `POST ${path} is served`,
    script: (scene) => single(post(scene, path, body(scene)), success, once(scene)),
  }));
}

function batchBody(scene: Scene): JsonObject {
  return batchOf(scene, [track(scene)]);
}

/** What each type carries beside an id and a person. */
export function singleOf(scene: Scene, type: string): JsonObject {
  const { event: _event, properties, ...rest } = track(scene);
  const base = { ...rest, type, sentAt: new Date(scene.now).toISOString() };
  switch (type) {
    case "track":
      return { ...track(scene), ...base };
    case "identify":
      return { ...base, traits: { name: "Ana" } };
    case "group":
      return { ...base, groupId: "conformance-group", traits: { employees: 3 } };
    case "alias":
      return { ...base, previousId: `${scene.userId}-before` };
    default:
      return { ...base, name: "Home", category: "Shop", properties: { ...(properties as object) } };
  }
}

function telemetryCase(path: string): ConformanceCase {
  const body = JSON.stringify({
    series: [{ type: "Counter", metric: "m", value: 1, tags: { library: "analytics.js" } }],
  });
  return {
    id: `path-telemetry${path.startsWith("/v1") ? "" : "-bare"}`,
    section: 1,
    title: `POST ${path} takes what the browser's SDK tells of itself, without a key`,
    script: (scene) => single(post(scene, path, body, { headers: [asText] }), ok),
  };
}

function settingsCases(pattern: string): readonly ConformanceCase[] {
  const form = pattern.startsWith("/v1") ? "v1" : "bare";
  const get = (path: string): RawRequest => ({
    method: "GET",
    path,
    headers: [["Origin", "https://shop.example"]],
  });
  return [
    {
      id: `settings-${form}`,
      section: 1,
      title: `GET ${pattern} starts the browser's SDK, and keeps events and telemetry here`,
      script(scene) {
        const path = pattern.replace(":writeKey", encodeURIComponent(scene.writeKey));
        const rule = {
          status: [200],
          json: { integrations: { "Segment.io": { apiKey: scene.writeKey } } },
          texts: [
            ["integrations", "Segment.io", "apiHost"],
            ["metrics", "host"],
          ],
          lacks: ["api.segment.io"],
          headers: {
            "access-control-allow-origin": { kind: "is", value: "https://shop.example" },
          },
        } as const;
        return {
          connections: apart(exchange(get(path), rule), exchange(get(`${path}/`), rule)),
        };
      },
    },
  ];
}
