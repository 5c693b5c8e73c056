import { FreshetError, type JsonObject } from "@freshet/protocol";
import type { PartId } from "../../core/event.ts";
import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { jsonObject } from "../json.ts";
import { parseProfileId, readIdentifiers, storedProfileId } from "../profile-id.ts";
import { bodyOf, type Route } from "./route.ts";

export function tokenRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "POST",
      paths: ["/v1/tokens"],
      kind: "other",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        const body = jsonObject(bodyOf(request), request.headers["content-encoding"]);
        return server.tokens.mint(profileIdOf(server, body), secondsOf(server, body));
      },
    },
  ];
}

/** For the profile that the identifier belongs to now: a token for one that was linked would open nothing. */
function profileIdOf({ engine, sources }: ServerContext, body: JsonObject): string {
  const asked = storedProfileId(namedIn(body), sources);
  return engine.profile(asked)?.profileId ?? asked;
}

function namedIn(body: JsonObject): PartId {
  if (typeof body.profileId === "string") return parseProfileId(body.profileId);
  const { userId, anonymousId } = readIdentifiers(body);
  if (userId !== undefined) return `user:${userId}`;
  if (anonymousId !== undefined) return `anon:${anonymousId}`;
  throw new FreshetError(
    "identifierMissing",
    'one of "profileId", "userId" and "anonymousId" is needed',
  );
}

function secondsOf({ limits }: ServerContext, body: JsonObject): number {
  const seconds = body.expiresInSeconds ?? limits.tokenSecondsDefault;
  if (typeof seconds === "number" && Number.isInteger(seconds) && seconds > 0) {
    if (seconds <= limits.tokenSecondsMax) return seconds;
  }
  const message = `"expiresInSeconds" should be a whole number from 1 to ${limits.tokenSecondsMax}`;
  throw new FreshetError("requestShape", message);
}
