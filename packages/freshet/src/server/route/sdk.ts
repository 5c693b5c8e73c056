import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { FreshetError } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Route } from "./route.ts";

/** The whole script, and the small one without automatic capture. */
const names = ["freshet.js", "freshet-core.js"] as const;
/** Pages ask again after this; until then a new version of the server is not seen. */
const cacheSeconds = 3600;

/** The script tags of the SDK, for pages of any origin. */
export function sdkRoutes(): readonly Route[] {
  return names.map((name) => ({
    method: "GET",
    paths: [`/sdk/${name}`],
    kind: "other",
    cors: true,
    handle: async (request, reply) => send(scriptOf(name), request, reply),
  }));
}

interface Script {
  readonly bytes: Buffer;
  readonly etag: string;
}

const scripts = new Map<string, Script>();

/** Read at the first request: a server without pages does not need the SDK. */
function scriptOf(name: string): Script {
  const known = scripts.get(name);
  if (known !== undefined) return known;
  const bytes = readScript(name);
  const script = { bytes, etag: `"${createHash("sha256").update(bytes).digest("base64url")}"` };
  scripts.set(name, script);
  return script;
}

function readScript(name: string): Buffer {
  try {
    const path = createRequire(import.meta.url).resolve(`@freshet/sdk/script/${name}`);
    return readFileSync(path);
  } catch (cause) {
    throw new FreshetError("notFound", `the script "${name}" of "@freshet/sdk" is not there`, {
      hint: "run npm run build, or install @freshet/sdk beside freshet",
      cause,
    });
  }
}

function send({ bytes, etag }: Script, request: FastifyRequest, reply: FastifyReply): unknown {
  reply.headers({
    etag,
    "cache-control": `public, max-age=${cacheSeconds}, stale-while-revalidate=86400`,
    // Pages that isolate themselves load no script that does not say so.
    "cross-origin-resource-policy": "cross-origin",
  });
  if (request.headers["if-none-match"]?.includes(etag) === true) return reply.code(304).send();
  reply.type("text/javascript; charset=utf-8");
  return bytes;
}
