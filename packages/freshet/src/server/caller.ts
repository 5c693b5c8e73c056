import { FreshetError, type Json } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import type { Source, Sources } from "../accept/index.ts";
import { bearerOf, type Reader, readerOf } from "./auth.ts";
import type { ServerContext } from "./context.ts";

/** Who asks for a decision, and the source that events of the call come with. */
export type Caller = (Reader | { readonly kind: "writeKey" }) & { readonly source: Source };

/** Events that come without a write key: what a server holds is trusted with more than what a page holds. */
const secretSource: Source = { name: "secretKey", writeKey: "", kind: "server" };
const tokenSource: Source = { name: "profileToken", writeKey: "", kind: "browser" };

/**
 * By Basic, else by Bearer (secret key or token), else by the write key of body or query. Where a Bearer comes with
 * a write key, the first says what may be seen and the second where events come from.
 */
export async function callerOf(
  request: FastifyRequest,
  writeKey: Json | undefined,
  server: ServerContext,
): Promise<Caller> {
  const basic = basicOf(request);
  if (basic !== undefined) return { kind: "writeKey", source: sourceOf(basic, server.sources) };
  const named =
    typeof writeKey === "string" && writeKey !== ""
      ? sourceOf(writeKey, server.sources)
      : undefined;
  const bearer = bearerOf(request);
  if (bearer !== undefined) {
    const reader = await readerOf(bearer, server);
    const own = reader.kind === "secret" ? secretSource : tokenSource;
    return { ...reader, source: named ?? own };
  }
  if (named === undefined) throw new FreshetError("keyMissing", "the request carries no key");
  return { kind: "writeKey", source: named };
}

function sourceOf(key: string, sources: Sources): Source {
  const source = sources.byKey.get(key);
  if (source === undefined) throw new FreshetError("keyUnknown", "no source has this write key");
  return source;
}

/** The user name of Basic credentials; some clients leave out the colon. */
function basicOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined || !/^basic\s/i.test(authorization)) return undefined;
  const credentials = Buffer.from(authorization.slice(6).trim(), "base64").toString("utf8");
  const colon = credentials.indexOf(":");
  const key = colon < 0 ? credentials : credentials.slice(0, colon);
  return key === "" ? undefined : key;
}
