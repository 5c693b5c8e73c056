import type { ErrorCode } from "@freshet/protocol";
import type { Breach } from "../../core/event.ts";
import { contractName } from "../../core/plan/contract.ts";
import type { Issue } from "../issue.ts";
import { type ContractLabel, contractLabel, type Judgement } from "./contracts.ts";

/** What is done with events that break their contract, or that the plan does not know. */
export interface ContractPolicy {
  /** `mark` takes them with a note, `deadLetter` (unless said) keeps them to be corrected, `refuse` keeps their name. */
  readonly violation?: "mark" | "deadLetter" | "refuse";
  /** The same for events and versions that the plan does not know; `accept` (unless said) takes them. */
  readonly unknown?: "accept" | "mark" | "deadLetter" | "refuse";
}

/** What becomes of an event by its contract. */
export type Verdict =
  | {
      readonly kind: "taken";
      readonly version: number;
      readonly note?: string;
      readonly breach?: Breach;
    }
  | {
      readonly kind: "refused";
      readonly issue: Issue;
      /** How much of it the dead letter keeps. */
      readonly keeps: "event" | "name";
    };

interface Asked {
  readonly name: string;
  /** False for the types whose events carry no name: nobody declares those to allow them. */
  readonly isNamed: boolean;
  /** Whether what clients name may be written down. */
  readonly isCareful: boolean;
}

export function verdictOf(
  judgement: Judgement,
  { violation = "deadLetter", unknown = "accept" }: ContractPolicy,
  asked: Asked,
): Verdict {
  const { version } = judgement;
  switch (judgement.kind) {
    case "met":
      return judgement.verdict;
    case "broken":
      if (violation === "mark") return marked(judgement.issue, version, asked);
      return refused(judgement.issue, violation);
    case "versionUnknown":
      if (unknown === "accept" || unknown === "mark")
        return { kind: "taken", version, note: "versionUnknown" };
      return refused(
        issueOf("eventVersionUnknown", {
          schema: contractName(asked.name, version),
          message: `event "${asked.name}" says version ${version}, which the plan does not list`,
        }),
        unknown,
      );
    case "eventUnknown":
      if (unknown === "accept" || !asked.isNamed) return { kind: "taken", version };
      if (unknown === "mark") return { kind: "taken", version, note: "eventUnknown" };
      return refused(
        issueOf("eventUnknown", { message: "the plan has no event of this name" }),
        unknown,
      );
  }
}

function marked(issue: Issue, version: number, { isCareful }: Asked): Verdict {
  const { schema = "", bare = "", path } = issue;
  const place = path === undefined || isCareful ? {} : { path };
  const breach = { schema, message: bare, ...place };
  return { kind: "taken", version, note: "contractViolated", breach };
}

/** Where the event is not kept, neither is what its message would repeat of it. */
function refused(issue: Issue, how: "deadLetter" | "refuse"): Verdict {
  if (how === "deadLetter") return { kind: "refused", issue, keeps: "event" };
  const { code, schema, message, bare = message } = issue;
  const kept: Issue = { code, message: bare, bare, ...(schema === undefined ? {} : { schema }) };
  return { kind: "refused", issue: kept, keeps: "name" };
}

function issueOf(
  code: ErrorCode,
  { message, schema }: { readonly message: string; readonly schema?: string },
): Issue {
  return { code, message, bare: message, ...(schema === undefined ? {} : { schema }) };
}

export type ContractOutcome = "met" | "marked" | "unknown" | "deadLetter" | "refused";

export function outcomeOf(judgement: Judgement, verdict: Verdict): ContractOutcome {
  if (verdict.kind === "refused") return verdict.keeps === "name" ? "refused" : "deadLetter";
  if (judgement.kind === "met") return "met";
  return judgement.kind === "broken" ? "marked" : "unknown";
}

/** Names that the plan does not have come from clients, and labels must stay few. */
export const undeclared: ContractLabel = contractLabel("(undeclared)", "");

export function labelOf(judgement: Judgement): ContractLabel {
  return judgement.kind === "eventUnknown" ? undeclared : judgement.label;
}
