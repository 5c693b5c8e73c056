import { FreshetError } from "@freshet/protocol";
import type { Draft } from "../draft.ts";
import type { Issue } from "../issue.ts";
import type { Edge } from "./edge.ts";
import type { EdgeRun } from "./run.ts";

/** By the user id as the client sent it, before any rule changes it. */
export function checkIdentity(draft: Draft, run: EdgeRun): "proven" | "removed" | Issue {
  const { userId, anonymousId } = draft;
  const { identity, edge } = run;
  if (identity === undefined || userId === undefined) return "proven";
  const own = draft.context?.identityToken;
  const token = typeof own === "string" ? own : run.identityToken;
  if (token === undefined && identity.policy.required === false) return "proven";
  const proof = identity.prove(token, userId, run.now);
  if (proof.kind === "proven") return "proven";
  if (identity.policy.onMissing === "anonymous" && anonymousId !== undefined) {
    edge.counts.add("identityRemoved", 1);
    return "removed";
  }
  edge.counts.add("identityRefused", 1);
  const message = identityMessage(proof.why);
  return { code: "identityInvalid", message, bare: message };
}

/**
 * The identifiers that a request without events may use: without its user id where the source takes such as
 * anonymous. Throws `identityInvalid`.
 */
export function proveIdentity<Named extends { userId?: string; anonymousId?: string }>(
  named: Named,
  { edge, token, now }: { edge: Edge | undefined; token: string | undefined; now: number },
): Named {
  const check = edge?.identity?.();
  if (edge === undefined || check === undefined || named.userId === undefined) return named;
  if (token === undefined && check.policy.required === false) return named;
  const proof = check.prove(token, named.userId, now);
  if (proof.kind === "proven") return named;
  if (check.policy.onMissing === "anonymous" && named.anonymousId !== undefined) {
    const { userId: _unproven, ...anonymous } = named;
    return anonymous as Named;
  }
  throw new FreshetError("identityInvalid", identityMessage(proof.why));
}

const identityMessage = (why: string) => `the user id needs a valid identity token: ${why}`;
