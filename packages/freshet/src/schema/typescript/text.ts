import { schemaLimits } from "../limits.ts";

/** What a program may send of one schema, as the text of a TypeScript type. */
export interface TypeWriter {
  /** Counts what is written: references that are followed twice each would double with every step. */
  spend(): boolean;
}

/** Types of a schema written out; past it the rest is `unknown`, as what refers to itself is. */
export function typeWriter(): TypeWriter {
  let left = schemaLimits.typesWrittenMax;
  return { spend: () => --left >= 0 };
}

export interface Member {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
}

/** An object type; an open one may have other properties too. */
export function objectType(members: readonly Member[], kind: "open" | "closed"): string {
  const lines = members.map(
    ({ name, type, isOptional }) => `${keyOf(name)}${isOptional ? "?" : ""}: ${type};`,
  );
  if (kind === "open") lines.push("readonly [property: string]: unknown;");
  if (lines.length === 0) return "Record<never, never>";
  return ["{", ...lines.map((line) => `  ${line.replaceAll("\n", "\n  ")}`), "}"].join("\n");
}

export function listType(item: string): string {
  return `readonly ${/^\w+$/.test(item) ? item : `(${item})`}[]`;
}

/** Each alternative once; anything beside others is anything. */
export function unionType(types: readonly string[]): string {
  const distinct = [...new Set(types)];
  if (distinct.length === 0) return "never";
  return distinct.includes("unknown") ? "unknown" : distinct.join(" | ");
}

export function literalType(value: unknown): string {
  return value === null || ["string", "number", "boolean"].includes(typeof value)
    ? JSON.stringify(value)
    : "unknown";
}

function keyOf(name: string): string {
  return `readonly ${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}`;
}
