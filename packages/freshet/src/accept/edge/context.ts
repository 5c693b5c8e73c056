import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../field.ts";
import type { Agent } from "./agent.ts";
import type { ReadCampaign } from "./campaign.ts";
import type { Edge } from "./edge.ts";

/** What was found out about an event from its request and from other events. */
export interface Found {
  /** The user agent of the request, where it stands for the event's. */
  readonly requestAgent: string | undefined;
  readonly agent: Agent | undefined;
  readonly suspicious: string | undefined;
  /** Purposes answered, in the form in which they are written. */
  readonly consent: JsonObject | undefined;
}

/**
 * The context as it is stored: what the client sent, with what was found out. A client's own device, browser, system
 * and campaign stay; marks, place and consent are ours alone, since with a write key anybody could claim them.
 */
export function completeContext(
  sent: JsonObject | undefined,
  found: Found,
  edge: Edge,
): JsonObject | undefined {
  const { agent, requestAgent, suspicious, consent } = found;
  if (!isTouched(sent, found, edge)) return sent;
  const context: Record<string, Json | undefined> = { ...sent };
  // Copies with a key taken out are slow to read, so only false claims pay for it.
  if (context.bot !== undefined) delete context.bot;
  if (context.suspicious !== undefined) delete context.suspicious;
  if (requestAgent !== undefined) context.userAgent = requestAgent;
  if (agent !== undefined) addAgent(context, agent, edge);
  if (suspicious !== undefined) context.suspicious = suspicious;
  if (consent !== undefined) context.consent = consent;
  if (edge.campaign !== undefined) addCampaign(context, edge.campaign);
  if (edge.locate !== undefined) addPlace(context, edge.locate);
  for (const _ in context) return context;
  return undefined;
}

/** Most events of servers have nothing to find out, and need no copy. */
function isTouched(sent: JsonObject | undefined, found: Found, edge: Edge): boolean {
  const { agent, suspicious, consent } = found;
  if (agent !== undefined || suspicious !== undefined || consent !== undefined) return true;
  if (sent === undefined) return false;
  const { page, ip, bot, suspicious: claimed } = sent;
  return (
    (edge.campaign !== undefined && page !== undefined) ||
    (edge.locate !== undefined && ip !== undefined) ||
    bot !== undefined ||
    claimed !== undefined
  );
}

function addAgent(context: Record<string, Json | undefined>, agent: Agent, edge: Edge): void {
  if (edge.bots !== "ignore" && agent.isBot) context.bot = true;
  if (!edge.device) return;
  const { device } = context;
  if (device === undefined || device === null || isObject(device))
    context.device = { ...device, class: agent.deviceClass };
  if (isUnsaid(context.browser) && agent.browser !== undefined) context.browser = agent.browser;
  if (isUnsaid(context.os) && agent.os !== undefined) context.os = agent.os;
}

function isUnsaid(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

function addCampaign(context: Record<string, Json | undefined>, read: ReadCampaign): void {
  if (context.page === undefined || !isUnsaid(context.campaign)) return;
  const campaign = read(context);
  if (campaign !== undefined) context.campaign = campaign;
}

/** Where there is no address, a server may know the place itself. */
function addPlace(
  context: Record<string, Json | undefined>,
  locate: NonNullable<Edge["locate"]>,
): void {
  if (typeof context.ip !== "string") return;
  const place = locate(context.ip);
  if (place === undefined) delete context.geo;
  else context.geo = place;
}
