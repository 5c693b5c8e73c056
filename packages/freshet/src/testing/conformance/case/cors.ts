import type { AnswerRule, ConformanceCase, Header, HeaderRule } from "../case.ts";
import { asText, basicOf, batchOf, exchange, once, post, single, track } from "../send.ts";

const origin = "https://shop.example";

/** What Chromium keeps a preflight for at most; on the way out of a page there is no time for another. */
const maxAgeSecondsMin = 7200;

const allowed: { readonly [name: string]: HeaderRule } = {
  "access-control-allow-origin": { kind: "is", value: origin },
  "access-control-allow-credentials": { kind: "is", value: "true" },
  vary: { kind: "lists", names: ["origin"] },
};

const readable: { readonly [name: string]: HeaderRule } = {
  ...allowed,
  "access-control-expose-headers": { kind: "lists", names: ["retry-after", "x-ratelimit-reset"] },
};

const paths = [
  ...["batch", "import", "b", "t", "i", "p", "s", "g", "a", "m"],
  ...["track", "identify", "page", "screen", "group", "alias"],
];

/** Section 6: since April 2026 the browser's SDK sends `Authorization`, so that every call has a preflight. */
export const corsCases: readonly ConformanceCase[] = [
  ...paths.flatMap((path) => [
    preflight(`cors-${path}`, `/v1/${path}`, ["authorization", "content-type"]),
    preflight(`cors-bare-${path}`, `/${path}`, ["authorization", "content-type"]),
  ]),
  preflight("cors-retry", "/v1/t", ["authorization", "content-type", "x-retry-count"]),
  preflight("cors-rudder", "/v1/track", [
    ...["anonymousid", "authorization", "content-type", "rsa-retry-attempt", "sentat"],
  ]),
  {
    id: "cors-answer",
    section: 6,
    title: "an answer names its origin and lets scripts read how long to wait",
    script(scene) {
      const headers: readonly Header[] = [["Origin", origin], basicOf(scene.writeKey), asText];
      const request = post(scene, "/v1/b", batchOf(scene, [track(scene)]), { headers });
      return single(request, { status: [200], headers: readable }, once(scene));
    },
  },
  {
    id: "cors-refusal",
    section: 6,
    title: "so does a refusal",
    script(scene) {
      const headers: readonly Header[] = [["Origin", origin], basicOf("no-such-key"), asText];
      const request = post(scene, "/v1/t", track(scene), { headers });
      return single(request, { status: [401], headers: readable });
    },
  },
];

function preflight(id: string, path: string, names: readonly string[]): ConformanceCase {
  const request = {
    method: "OPTIONS",
    path,
    headers: [
      ["Accept", "*/*"],
      ["Access-Control-Request-Method", "POST"],
      ["Access-Control-Request-Headers", names.join(",")],
      ["Origin", origin],
      ["Sec-Fetch-Mode", "cors"],
    ],
  } as const;
  const rule: AnswerRule = {
    status: [200, 204],
    headers: {
      ...allowed,
      "access-control-allow-methods": { kind: "lists", names: ["post"] },
      // `*` never covers `Authorization`, and covers nothing for calls with credentials.
      "access-control-allow-headers": { kind: "lists", names: [...names] },
      "access-control-max-age": { kind: "atLeast", value: maxAgeSecondsMin },
    },
  };
  return {
    id,
    section: 6,
    title: `a preflight of ${path} for ${names.join(", ")} is allowed name by name`,
    script: () => ({ connections: [{ exchanges: [exchange(request, rule)] }] }),
  };
}
