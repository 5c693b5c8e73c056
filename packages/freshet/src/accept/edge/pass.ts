import type { JsonObject } from "@freshet/protocol";
import type { Draft } from "../draft.ts";
import type { Issue } from "../issue.ts";
import { edgeOf, type Source, type Sources } from "../sources.ts";
import { agentOf, suspicionOf } from "./client.ts";
import { completeContext } from "./context.ts";
import type { Edge } from "./edge.ts";
import type { Content } from "./privacy.ts";
import { checkIdentity } from "./prove.ts";
import type { EdgeRun } from "./run.ts";

/** An event after the edge: taken with this content, or refused with an issue. */
export type Passed =
  | { readonly kind: "taken"; readonly content: Content; readonly notes: readonly string[] }
  | { readonly kind: "refused"; readonly issue: Issue; readonly kept: Kept };

/** What a dead letter keeps: the event as it came, or what this says. */
export type Kept = "event" | { readonly content: Content } | { readonly name: string };

interface Asked {
  readonly draft: Draft;
  /** The context that the client may say (`contextOf`). */
  readonly context: JsonObject | undefined;
  /** What is wrong with the event itself. */
  readonly issue: Issue | undefined;
  /** How much the dead letter keeps of an event with such an issue, before any rule of privacy. */
  readonly keeps: "event" | "name";
}

/**
 * Consent comes first, because without it nothing may be kept, not even of an event that is wrong in another way; who
 * imports history answers for that. The rules of privacy come last, over all that was added, and before anything is
 * joined or written.
 */
export function passEdge(asked: Asked, run: EdgeRun): Passed {
  const { draft, context, issue } = asked;
  const { edge } = run;
  const consent = edge.consent?.(draft.context);
  if (consent?.isEnough === false && !run.isHistory) {
    edge.counts.add("consentMissing", 1);
    return { kind: "refused", issue: noConsent, kept: { name: draft.name } };
  }
  if (issue !== undefined) {
    if (asked.keeps === "name") return { kind: "refused", issue, kept: { name: draft.name } };
    return refused(issue, asked, run);
  }
  const identity = checkIdentity(draft, run);
  if (identity !== "proven" && identity !== "removed") return refused(identity, asked, run);
  const agent = agentOf(context, run);
  if (agent.read?.isBot === true && edge.bots !== "ignore") {
    if (edge.bots === "refuse") {
      edge.counts.add("botRefused", 1);
      return refused(ofBot, asked, run);
    }
    edge.counts.add("bot", 1);
  }
  const found = {
    agent: agent.read,
    requestAgent: agent.ofRequest,
    suspicious: suspicionOf(draft, context, agent, run),
    consent: consent?.written,
  };
  const content = protect(draft, completeContext(context, found, edge), run);
  const taken = identity === "removed" ? { ...content, userId: undefined } : content;
  // A rule that drops a user id leaves an event of nobody where there is no other.
  if (taken.userId === undefined && taken.anonymousId === undefined)
    return refused(ofNobody, asked, run);
  return {
    kind: "taken",
    content: taken,
    notes: identity === "removed" ? ["identityRemoved"] : [],
  };
}

const noConsent: Issue = {
  code: "consentMissing",
  message: "the person did not consent to the purpose that this source needs",
};
const ofBot: Issue = { code: "botRefused", message: "the event is of a bot, by its user agent" };
const ofNobody: Issue = {
  code: "identifierMissing",
  message: "no identifier is left after the source's privacy rules",
};

/** Whether what a client sent must not be kept as it came. */
export function isCareful({ privacy, identity, consent }: Edge): boolean {
  return privacy !== undefined || identity !== undefined || consent !== undefined;
}

/**
 * Whether a dead letter may keep what was not even an event: a row, a delivery. No rule could look into it, so that
 * careful sources keep nothing of it, and no message that might repeat it.
 */
export function keepsWhole(source: Source, sources: Sources): boolean {
  const edge = edgeOf(source, sources);
  return edge === undefined || !isCareful(edge);
}

/**
 * A source that changes or drops personal data must not keep it in dead letters either: they keep the event in
 * Freshet's own form after the same rules, with a message that repeats nothing of it. So do sources with identity
 * tokens, which a client may have put anywhere.
 */
function refused(issue: Issue, { draft, context }: Asked, run: EdgeRun): Passed {
  const { edge } = run;
  if (!isCareful(edge)) return { kind: "refused", issue, kept: "event" };
  // What is too deep was turned into text, and neither that nor an unread message can be looked into.
  if (issue.code === "eventTooDeep" || issue.isUnread === true)
    return { kind: "refused", issue: bare(issue), kept: { name: draft.name } };
  const content = protect(draft, context, run);
  return { kind: "refused", issue: bare(issue), kept: { content } };
}

/** The issue without anything that the client sent. */
export function bare(issue: Issue): Issue {
  const { code, path, schema } = issue;
  const field = /^\/(\w+)/.exec(path ?? "")?.[1];
  const at = field === undefined || !toldFields.has(field) ? "" : ` at "${field}"`;
  const message = issue.bare ?? `the event was refused${at}; its values are not kept`;
  return { code, message, ...(schema === undefined ? {} : { schema }) };
}

const toldFields: ReadonlySet<string> = new Set([
  ...["type", "event", "messageId", "userId", "anonymousId", "previousId", "groupId", "timestamp"],
  ...["originalTimestamp", "properties", "traits", "context", "event_id", "event_type", "user_id"],
  ...["anonymous_id", "metadata", "data", "id", "source", "time", "subject"],
]);

function protect(draft: Draft, context: JsonObject | undefined, { edge }: EdgeRun): Content {
  const { userId, anonymousId, properties, traits, extra } = draft;
  const content = { userId, anonymousId, properties, traits, context, extra };
  return edge.privacy === undefined ? content : edge.privacy.apply(content, draft.type);
}
