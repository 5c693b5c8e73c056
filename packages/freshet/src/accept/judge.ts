import type { JsonObject } from "@freshet/protocol";
import type { Judgement } from "./contract/contracts.ts";
import type { ContractCounts } from "./contract/counts.ts";
import { labelOf, outcomeOf, type Verdict, verdictOf } from "./contract/policy.ts";
import { saidVersion } from "./contract/version.ts";
import type { Draft } from "./draft.ts";
import { isCareful, type Passed } from "./edge/pass.ts";
import type { Batch } from "./request.ts";

/** What a draft is by its contract, and what its source makes of that. */
export interface Judged {
  readonly judgement: Judgement;
  readonly verdict: Verdict;
}

export function judgeDraft(draft: Draft, event: JsonObject, batch: Batch): Judged {
  const judgement = batch.context.contracts.judge({
    name: draft.name,
    content: draft.type === "identify" ? (draft.traits ?? {}) : draft.properties,
    field: draft.contractField,
    said: saidVersion(event, draft.context),
  });
  if (judgement.kind === "met") return { judgement, verdict: judgement.verdict };
  const edge = batch.edge?.edge;
  const verdict = verdictOf(judgement, edge?.contracts ?? {}, {
    name: draft.name,
    isNamed: draft.type === "track",
    isCareful: edge !== undefined && isCareful(edge),
  });
  return { judgement, verdict };
}

/** Counts what the contract decided, where nothing else did; what comes again from its letter was counted before. */
export function countJudged({ judgement, verdict }: Judged, passed: Passed, batch: Batch): void {
  const { source, resent } = batch.input;
  if (resent !== undefined) return;
  const isDecided =
    verdict.kind === "taken"
      ? passed.kind === "taken"
      : passed.kind === "refused" && passed.issue.code === verdict.issue.code;
  if (!isDecided) return;
  const counts: ContractCounts = batch.context.sources.contracts;
  counts.add(nameOf(source), labelOf(judgement), outcomeOf(judgement, verdict));
}

/** Ways in without a key are named by who uses them: they share one label, as at the edge. */
function nameOf({ name, writeKey }: Batch["input"]["source"]): string {
  return writeKey === "" ? "keyless" : name;
}
