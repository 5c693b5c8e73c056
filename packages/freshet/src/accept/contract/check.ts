import type { JsonObject } from "@freshet/protocol";

/** One version of one contract, compiled. */
export interface ContractCheck {
  /** Every name that content may have; absent where it may have others. */
  readonly names?: ReadonlySet<string>;
  /** Fast: true or false. */
  meets(content: JsonObject): boolean;
  /** What is wrong with content that does not meet it, the first breaches in the schema's order. */
  breaches(content: JsonObject): readonly ContentBreach[];
}

export interface ContentBreach {
  /** Names and indexes from the content down. */
  readonly keys: readonly string[];
  /** With what came. */
  readonly told: string;
  /** What was expected, and no name but those of the plan. */
  readonly bare: string;
}
