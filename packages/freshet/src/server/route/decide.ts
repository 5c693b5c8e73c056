import { type DecideAnswer, FreshetError, type Rejection } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import { edgeOf, proveIdentity, requireOrigin } from "../../accept/index.ts";
import { decide } from "../../core/decision.ts";
import type { EventScope } from "../../core/expression/evaluate.ts";
import { sessionIdAt } from "../../core/read.ts";
import { requireProfile, resolve } from "../auth.ts";
import { type Caller, callerOf } from "../caller.ts";
import type { ServerContext } from "../context.ts";
import { acceptDecideEvents } from "../decide-events.ts";
import { type DecideRequest, readDecideRequest } from "../decide-request.ts";
import { jsonObject } from "../json.ts";
import { type Identifiers, storedIdentifiers } from "../profile-id.ts";
import { publicPlan } from "../public-plan.ts";
import { offsetOfReceipts, waitStale } from "../receipt.ts";
import { viewOf } from "../view.ts";
import { bodyOf, headerText, queryText, type Route } from "./route.ts";

export function decideRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "POST",
      paths: ["/v1/decide"],
      kind: "decide",
      cors: true,
      handle: (request) => answer(server, request),
    },
  ];
}

/** Writes its events first, waits until they and the receipts given can be read, then decides. */
async function answer(server: ServerContext, request: FastifyRequest): Promise<DecideAnswer> {
  const body = jsonObject(bodyOf(request), request.headers["content-encoding"]);
  const caller = await callerOf(request, body.writeKey ?? queryText(request, "writeKey"), server);
  const asked = readDecideRequest(body, server.plan().plan.definition);
  if (asked.explain && caller.kind === "writeKey") {
    throw new FreshetError("explainForbidden", "a write key may not ask why");
  }
  const identityToken = tokenOf(request, asked);
  const named = namedBy(server, { request, caller, asked, identityToken });
  const identifiers = identifiersOf(caller, named);
  requireOwn(caller, profileOf(server, identifiers));
  const receiptOffset = offsetOfReceipts(asked.receipts, server.engine);
  const written = await write(server, { request, asked, caller, identifiers, identityToken });
  const stale = await waitStale(Math.max(receiptOffset, written?.offset ?? -1), server.engine);
  const profileId = profileOf(server, identifiers);
  requireOwn(caller, profileId);
  const decided = decideAll(server, { profileId, asked, caller });
  if (written === null) return { ...decided, stale };
  const { receipt, rejected } = written;
  return { ...decided, receipt, rejected, stale };
}

/** Proof of the user id: by header, or in the context as events carry it. */
function tokenOf(request: FastifyRequest, { context }: DecideRequest): string | undefined {
  const own = context?.identityToken;
  return typeof own === "string" ? own : headerText(request, "x-freshet-identity");
}

/** Whom the caller may ask for: anybody with the secret key, and with a write key what its source lets through. */
function namedBy(
  { sources, clock }: ServerContext,
  { request, caller, asked, identityToken }: Omit<Call, "identifiers">,
): Identifiers {
  if (caller.kind !== "writeKey") return asked.identifiers;
  requireOrigin(caller.source, request.headers.origin);
  const edge = edgeOf(caller.source, sources);
  return proveIdentity(asked.identifiers, { edge, token: identityToken, now: clock.now() });
}

/** A token stands for its profile; nobody needs to be named with it. */
function identifiersOf(caller: Caller, given: Identifiers): Identifiers {
  if (given.userId !== undefined || given.anonymousId !== undefined) return given;
  if (caller.kind !== "profile") {
    throw new FreshetError("identifierMissing", 'one of "userId" and "anonymousId" is needed');
  }
  const { profileId } = caller;
  return profileId.startsWith("anon:")
    ? { anonymousId: profileId.slice("anon:".length) }
    : { userId: profileId.slice("user:".length) };
}

/**
 * The user's profile; that of the anonymous id while the user is unknown and nobody else owns it, so that a page
 * does not fall back at the moment of signing in.
 */
function profileOf({ engine, sources }: ServerContext, named: Identifiers): string {
  const { userId, anonymousId } = storedIdentifiers(named, sources);
  const user = userId === undefined ? null : `user:${userId}`;
  const anonymous = anonymousId === undefined ? null : resolve(`anon:${anonymousId}`, engine);
  if (user === null) return anonymous ?? "";
  if (engine.profile(user) !== null || anonymous === null) return user;
  return anonymous.startsWith("anon:") && engine.profile(anonymous) !== null ? anonymous : user;
}

function requireOwn(caller: Caller, profileId: string): void {
  if (caller.kind === "profile") requireProfile(caller, profileId);
}

interface Call {
  readonly request: FastifyRequest;
  readonly asked: DecideRequest;
  readonly caller: Caller;
  readonly identifiers: Identifiers;
  readonly identityToken: string | undefined;
}

interface Written {
  readonly receipt: string;
  readonly offset: number;
  readonly rejected: readonly Rejection[];
}

async function write(server: ServerContext, call: Call): Promise<Written | null> {
  const { asked, caller, identifiers, identityToken, request } = call;
  const { events, sentAt } = asked;
  if (events.length === 0) return null;
  await server.gate.hold();
  const input = {
    ...{ events, sentAt, identifiers, identityToken, source: caller.source },
    remoteAddress: request.ip,
    userAgent: request.headers["user-agent"],
    isVouched: caller.kind !== "writeKey",
  };
  const { records, rejected } = acceptDecideEvents(input, server.acceptState.context());
  for (const record of records)
    if (record.kind === "event") requireOwn(caller, resolve(record.key, server.engine));
  const receipt = await server.engine.append(records);
  return { receipt, rejected, offset: server.engine.offsetOf(receipt) ?? -1 };
}

function decideAll(
  server: ServerContext,
  { profileId, asked, caller }: { readonly profileId: string } & Pick<Call, "asked" | "caller">,
): Pick<DecideAnswer, "decisions" | "sessionId" | "asOf"> {
  const { engine } = server;
  const view = viewOf(server, profileId, engine.profile(profileId)?.state ?? null);
  const plan = caller.kind === "writeKey" ? publicPlan(view.plan) : view.plan;
  const { tables } = server.acceptState.current();
  const event: EventScope | null =
    asked.context === null ? null : { properties: {}, context: asked.context };
  const input = {
    view,
    event,
    entity: (name: string, key: string) => engine.entity(name, key),
    table: (name: string) => tables.get(name)?.rows ?? null,
    now: view.now,
    explain: asked.explain,
  };
  const decisions = asked.placements.map((name) => [name, decide(plan, name, input)] as const);
  const sessionId = sessionIdAt(view, profileId);
  return { decisions: Object.fromEntries(decisions), sessionId, asOf: view.now };
}
