import type { Json, JsonObject } from "@freshet/protocol";
import type { Draft } from "../draft.ts";
import type { Agent } from "./agent.ts";
import type { EdgeRun } from "./run.ts";

export interface EventAgent {
  readonly read: Agent | undefined;
  /** Set where the request's user agent stands for the event's. */
  readonly ofRequest: string | undefined;
}

/**
 * The event's own user agent; without one that of its request, where a browser made it. An event of a library says
 * what it has to say itself: the user agent of its request is that of an HTTP client.
 */
export function agentOf(
  context: JsonObject | undefined,
  { edge, source, userAgent }: EdgeRun,
): EventAgent {
  if (edge.agent === undefined) return noAgent;
  const own: Json | undefined = context?.userAgent;
  if (typeof own === "string" && own !== "") return { read: edge.agent(own), ofRequest: undefined };
  if (userAgent === undefined || source.kind !== "browser" || isOfLibrary(context)) return noAgent;
  return { read: edge.agent(userAgent), ofRequest: userAgent };
}

const noAgent: EventAgent = { read: undefined, ofRequest: undefined };

function isOfLibrary(context: JsonObject | undefined): boolean {
  return context?.library !== undefined && context.library !== null;
}

/** Why the event is not like one of a person, the strongest reason first; history came at no rate. */
export function suspicionOf(
  { anonymousId }: Draft,
  context: JsonObject | undefined,
  { read }: EventAgent,
  { edge, now, source, userAgent, isHistory }: EdgeRun,
): string | undefined {
  const { suspicious } = edge;
  let reason = read?.isHeadless === true && edge.bots !== "ignore" ? "headless" : undefined;
  if (suspicious !== undefined && !isHistory) {
    const { activity, eventsPerSecond, userAgentMissing } = suspicious;
    const address = context?.ip;
    const ofId = anonymousId === undefined ? 0 : activity.add(`id ${anonymousId}`, now);
    const ofAddress = typeof address === "string" ? activity.add(`ip ${address}`, now) : 0;
    if (ofId > eventsPerSecond || ofAddress > eventsPerSecond) reason ??= "tooFast";
    if (userAgentMissing && source.kind === "browser" && !read && userAgent === undefined)
      reason ??= "userAgentMissing";
  }
  if (reason !== undefined) edge.counts.add("suspicious", 1);
  return reason;
}
