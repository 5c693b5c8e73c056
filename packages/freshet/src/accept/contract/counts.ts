import { type ContractLabel, contractLabel } from "./contracts.ts";
import type { ContractOutcome } from "./policy.ts";

export interface ContractCount {
  readonly event: string;
  readonly version: string;
  readonly source: string;
  readonly outcome: ContractOutcome;
  readonly count: number;
}

/** A plan that changes often, in a process that never ends: past this many contracts of a source the rest is one. */
const contractsMax = 2000;

/** How events met their contracts since the process began, duplicates among them; read when metrics are asked for. */
export class ContractCounts {
  readonly #bySource = new Map<string, Map<string, Row>>();

  add(source: string, label: ContractLabel, outcome: ContractOutcome): void {
    const rows = this.#bySource.get(source) ?? new Map<string, Row>();
    if (rows.size === 0) this.#bySource.set(source, rows);
    rowOf(rows, label).counts[outcome]++;
  }

  *entries(): Iterable<ContractCount> {
    for (const [source, rows] of this.#bySource)
      for (const { label, counts } of rows.values())
        for (const [outcome, count] of Object.entries(counts) as [ContractOutcome, number][])
          if (count > 0)
            yield { source, event: label.event, version: label.version, outcome, count };
  }
}

interface Row {
  readonly label: ContractLabel;
  readonly counts: { [Outcome in ContractOutcome]: number };
}

function rowOf(rows: Map<string, Row>, label: ContractLabel): Row {
  const known = rows.get(label.key);
  if (known !== undefined) return known;
  if (rows.size >= contractsMax && label !== others) return rowOf(rows, others);
  const row = { label, counts: { met: 0, marked: 0, unknown: 0, deadLetter: 0, refused: 0 } };
  rows.set(label.key, row);
  return row;
}

const others = contractLabel("(other)", "");
