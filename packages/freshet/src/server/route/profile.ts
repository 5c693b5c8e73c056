import { FreshetError, type JsonObject } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import type { ProfileState } from "../../core/profile.ts";
import { readProfile } from "../../core/read.ts";
import { bearerOf, readerOf, requireProfile, resolve } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { parseProfileId, storedProfileId } from "../profile-id.ts";
import { offsetOfReceipts, receiptsOfQuery, waitStale } from "../receipt.ts";
import { viewOf } from "../view.ts";
import { rowsOf } from "./list.ts";
import { pathText, queryText, type Route } from "./route.ts";

export function profileRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/profiles/:id"],
      kind: "other",
      cors: true,
      handle: (request) => read(server, request),
    },
    {
      method: "GET",
      paths: ["/v1/profiles/:id/events"],
      kind: "other",
      cors: true,
      handle: (request) => events(server, request),
    },
  ];
}

async function read(server: ServerContext, request: FastifyRequest): Promise<unknown> {
  const { engine } = server;
  const { profileId, state, stale } = await find(server, request);
  const since = engine.manifest.at(-1)?.since;
  return readProfile(viewOf(server, profileId, state), profileId, {
    detail: queryText(request, "detail") === "true",
    stale,
    ...(since === undefined ? {} : { since }),
  });
}

interface Found {
  readonly profileId: string;
  readonly state: ProfileState;
  readonly stale: boolean;
}

/** Who may is asked twice: what is waited for may give the profile to somebody else. */
async function find(server: ServerContext, request: FastifyRequest): Promise<Found> {
  const { engine } = server;
  const reader = await readerOf(bearerOf(request), server);
  const asked = storedProfileId(parseProfileId(pathText(request, "id")), server.sources);
  requireProfile(reader, resolve(asked, engine));
  const query = request.query as Readonly<Record<string, unknown>>;
  const offset = offsetOfReceipts(receiptsOfQuery(query.atLeast), engine);
  const stale = await waitStale(offset, engine);
  const found = engine.profile(asked);
  requireProfile(reader, found?.profileId ?? asked);
  if (found === null) throw new FreshetError("profileNotFound", `no profile "${asked}" is known`);
  return { ...found, stale };
}

/** The last events of a profile, newest first; a part remembers the offsets of its last 32. */
async function events(server: ServerContext, request: FastifyRequest): Promise<unknown> {
  const { state } = await find(server, request);
  const limit = rowsOf(request, server.limits.listRowsMax);
  const offsets = new Set(state.parts.flatMap(({ part }) => part.recent));
  const newest = [...offsets].sort((a, b) => b - a).slice(0, limit);
  return { events: newest.flatMap((offset) => eventAt(server, offset)) };
}

/** Nothing where the log was trimmed. */
function eventAt({ engine }: ServerContext, offset: number): JsonObject[] {
  const record = engine.record(offset);
  if (record?.kind !== "event") return [];
  const { id, type, name, time, userId, anonymousId, properties, traits, context } = record.event;
  const { at } = record;
  const who = { userId, anonymousId };
  const what = { properties, traits, context };
  return [{ messageId: id, name, type, time, at, offset, outcome: "applied", ...who, ...what }];
}
