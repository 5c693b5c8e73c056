import type { ConformanceCase, Header, Scene, Script } from "../case.ts";
import {
  asJson,
  asText,
  basicOf,
  batchOf,
  exchange,
  never,
  once,
  post,
  single,
  success,
  track,
} from "../send.ts";

/** Section 2: the places of the write key, in the order in which they are asked. */
export const keyCases: readonly ConformanceCase[] = [
  taken("basic", "the write key as Basic user name", (scene) => ({
    headers: [basicOf(scene.writeKey), asJson],
  })),
  taken("basic-no-colon", "Basic credentials without their colon", (scene) => ({
    headers: [authorization("Basic", scene.writeKey), asJson],
  })),
  taken("basic-small", 'the scheme as "basic"', (scene) => ({
    headers: [authorization("basic", `${scene.writeKey}:`), asJson],
  })),
  taken("basic-password", "Basic credentials with a password", (scene) => ({
    headers: [authorization("Basic", `${scene.writeKey}:ignored`), asJson],
  })),
  taken("bearer", "a Bearer token with the write key in the body (OAuth)", (scene) => ({
    headers: [["Authorization", "Bearer an-oauth-token"], asJson],
    body: { writeKey: scene.writeKey },
  })),
  taken("body", "the write key in the body alone", (scene) => ({
    headers: [asJson],
    body: { writeKey: scene.writeKey },
  })),
  taken("event", "the write key in each event alone", (scene) => ({
    headers: [asText],
    event: { writeKey: scene.writeKey },
  })),
  taken("query", "the write key in the query, as beacons send it", (scene) => ({
    headers: [asText],
    query: `?writeKey=${encodeURIComponent(scene.writeKey)}`,
  })),
  taken("first-basic", "Basic before another key in the body", (scene) => ({
    headers: [basicOf(scene.writeKey), asJson],
    body: { writeKey: "no-such-key" },
  })),
  taken("first-body", "the body's key before that of the query", (scene) => ({
    headers: [asJson],
    body: { writeKey: scene.writeKey },
    query: "?writeKey=no-such-key",
  })),
  {
    id: "key-body-single",
    section: 2,
    title: "a single event is taken with its own writeKey",
    script: (scene) =>
      single(
        post(scene, "/v1/t", track(scene, "one", { writeKey: scene.writeKey }), {
          headers: [asText],
        }),
        success,
        once(scene),
      ),
  },
  refused("missing", "no write key at all", () => ({ headers: [asJson] })),
  refused("unknown-basic", "a Basic user name that is no key", () => ({
    headers: [basicOf("no-such-key"), asJson],
  })),
  refused("unknown-body", "a key in the body that is none", () => ({
    headers: [asJson],
    body: { writeKey: "no-such-key" },
  })),
  {
    id: "key-settings-unknown",
    section: 2,
    title: "settings of an unknown key are not given",
    script: () =>
      single(
        { method: "GET", path: "/v1/projects/no-such-key/settings", headers: [] },
        { status: [400, 401] },
      ),
  },
];

interface Place {
  readonly headers: readonly Header[];
  readonly body?: object;
  readonly event?: object;
  readonly query?: string;
}

function scriptOf(scene: Scene, place: Place): ReturnType<typeof post> {
  const event = { ...track(scene), ...place.event };
  const body = { ...batchOf(scene, [event]), ...place.body };
  return post(scene, `/v1/batch${place.query ?? ""}`, body, { headers: place.headers });
}

function taken(id: string, title: string, place: (scene: Scene) => Place): ConformanceCase {
  return {
    id: `key-${id}`,
    section: 2,
    title: `${title} is taken`,
    script: (scene) => single(scriptOf(scene, place(scene)), success, once(scene)),
  };
}

function refused(id: string, title: string, place: (scene: Scene) => Place): ConformanceCase {
  const script = (scene: Scene): Script => ({
    connections: [{ exchanges: [exchange(scriptOf(scene, place(scene)), { status: [401] })] }],
    stored: [never(scene)],
  });
  return { id: `key-${id}`, section: 2, title: `${title} is 401`, script };
}

function authorization(scheme: string, credentials: string): Header {
  return ["Authorization", `${scheme} ${Buffer.from(credentials).toString("base64")}`];
}
