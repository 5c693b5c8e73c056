import { FreshetError, type JourneyAnswer } from "@freshet/protocol";
import { partOf } from "../../core/event.ts";
import { sessionIdAt } from "../../core/read.ts";
import { ProfileView } from "../../core/view.ts";
import { bearerOf, type Reader, readerOf } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { pathText, type Route } from "./route.ts";

export function eventRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/events/:messageId"],
      kind: "other",
      cors: true,
      async handle(request) {
        const reader = await readerOf(bearerOf(request), server);
        const messageId = pathText(request, "messageId");
        const journey = server.engine.journey(messageId);
        if (journey === null) {
          throw new FreshetError("eventNotFound", `no event "${messageId.slice(0, 100)}" is known`);
        }
        requireOwn(server, reader, journey);
        return { ...journey, ...sessionOf(server, journey) };
      },
    },
  ];
}

/**
 * The session is not written into events: which one an event is of can change when an earlier one comes late, so that
 * it is the reducer's to say (`core/session.ts`).
 */
function sessionOf({ engine, plan }: ServerContext, journey: JourneyAnswer) {
  const { status, profileId, offset } = journey;
  const record = status === "applied" ? engine.record(offset) : null;
  const found = profileId === undefined ? null : engine.profile(profileId);
  if (record?.kind !== "event" || found === null) return {};
  const view = new ProfileView(plan(), found.state, record.event.time);
  return { sessionId: sessionIdAt(view, found.profileId) };
}

/**
 * A token opens the journeys of its own profile: events that name it, and the last ones of each identifier that
 * was linked to it. Not everything of such an identifier: a shared device has events of other people as well.
 */
function requireOwn({ engine }: ServerContext, reader: Reader, journey: JourneyAnswer): void {
  if (reader.kind === "secret") return;
  const { profileId } = reader;
  const record = engine.record(journey.offset);
  if (record?.kind === "event" && partOf(record.event) === profileId) return;
  const parts = engine.profile(profileId)?.state.parts ?? [];
  if (parts.some(({ part }) => part.recent.includes(journey.offset))) return;
  throw new FreshetError("tokenForbidden", "the event is not one of the token's profile");
}
