import type { ConformanceResult } from "./run.ts";

const words = { passed: "pass", failed: "FAIL", notChecked: "not checked" } as const;

/** One line a case, reasons below those that have one, and a last line that counts. */
export function reportOf(results: readonly ConformanceResult[]): string {
  const width = Math.max(0, ...results.map(({ id }) => id.length));
  const lines = results.flatMap(({ id, section, title, outcome, reason }) => {
    const line = `${String(section)}  ${id.padEnd(width)}  ${words[outcome].padEnd(11)}  ${title}`;
    return reason === undefined ? [line] : [line, `   ${" ".repeat(width)}  ${reason}`];
  });
  return [...lines, "", countsOf(results)].join("\n");
}

export function countsOf(results: readonly ConformanceResult[]): string {
  const count = (outcome: ConformanceResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("notChecked")} not checked`;
}
