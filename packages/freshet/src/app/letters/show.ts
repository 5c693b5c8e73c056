import type { Json } from "@freshet/protocol";
import type { DryRun } from "../../server/letter/dry-run.ts";
import type { LetterRow, LetterRun, LetterSummary } from "./client.ts";

/** Letters as a table, newest first. */
export function showList(letters: readonly LetterRow[], next: string | null): string {
  if (letters.length === 0) return "no dead letters\n";
  const rows = letters.map(({ id, lastAt, code, source, name = "", count, message }) => [
    ...[id, time(lastAt), code, source, cut(name, 24), count > 1 ? `x${count}` : ""],
    cut(message, 90),
  ]);
  const more = next === null ? "" : `more: --before ${next}\n`;
  return `${table(["id", "last", "code", "source", "event", "", "reason"], rows)}${more}`;
}

export function showSummary(summary: LetterSummary): string {
  const { waiting, sent, discarded, dropped, bytes, kinds } = summary;
  const counts = `${waiting} wait, ${sent} were sent, ${discarded} discarded; ${Math.ceil(bytes / 1024)} KiB\n`;
  const lost = dropped === 0 ? "" : `${dropped} were dropped for room\n`;
  if (kinds.length === 0) return counts + lost;
  const rows = kinds.map(({ code, source, name, ...states }) => [
    ...[code, source, cut(name, 32)],
    ...[states.waiting, states.sent, states.discarded].map(String),
  ]);
  return counts + lost + table(["code", "source", "event", "waiting", "sent", "discarded"], rows);
}

/** One letter with everything that is known of it. */
export function showLetter(letter: LetterRow): string {
  const { event, ...rest } = letter;
  const lines = Object.entries(rest).map(
    ([name, value]) => `${name.padEnd(12)} ${isTime(name) ? time(Number(value)) : textOf(value)}`,
  );
  return `${lines.join("\n")}\n\n${JSON.stringify(event, null, 2)}\n`;
}

const isTime = (name: string) => ["at", "lastAt", "time", "sentAt"].includes(name);

export function showDryRun({ matched, complete, ...run }: DryRun): string {
  const lines = [
    `${run.wouldPass} of ${matched} letters would pass${complete ? "" : "; time was up before the last one"}`,
    ...run.refusals.map(
      ({ code, count, id, message }) => `  ${code} ${count}: ${cut(message, 120)} (letter ${id})`,
    ),
    ...run.examples.flatMap((example) => [textOf(example)]).map((text) => `  ${cut(text, 400)}`),
    "nothing was written: run it without --dry-run to send them",
  ];
  return `${lines.join("\n")}\n`;
}

/** One line about how far a run is. */
export function showProgress(run: LetterRun): string {
  return `${run.verb}: ${run.matched} letters, ${done(run)} done`;
}

export function showRun(run: LetterRun): string {
  const { id, verb, status, matched, duplicate, failed, refused, message } = run;
  const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
  const lines = [
    `${verb} ${id}: ${status}${message === undefined ? "" : ` (${message})`}`,
    `  letters   ${matched}`,
    `  done      ${done(run)}${duplicate === 0 ? "" : `, ${duplicate} of them had come by themselves`}`,
    ...(failed === 0 ? [] : [`  failed    ${failed}: the plan's function threw`]),
    ...(codes.length === 0 ? [] : [`  refused   ${codes.join(", ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}

export function showRuns(runs: readonly LetterRun[]): string {
  if (runs.length === 0) return "no runs\n";
  const rows = runs.map((run) => [
    ...[run.id, time(run.startedAt), run.verb, run.status, run.by],
    ...[run.matched, done(run)].map(String),
  ]);
  return table(["id", "started", "verb", "status", "by", "letters", "done"], rows);
}

/** What became of one letter that was corrected by hand. */
export function showOutcome(outcome: { readonly [field: string]: Json | undefined }): string {
  const { outcome: what, code, message, receipt } = outcome;
  const why = message === undefined ? "" : `: ${code} ${message}`;
  return `${String(what)}${why}${receipt === undefined ? "" : ` (receipt ${receipt})`}\n`;
}

function done({ applied, duplicate, discarded, restored }: LetterRun): number {
  return applied + duplicate + discarded + restored;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => (row[at] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[head, ...rows].map(line).join("\n")}\n`;
}

const time = (at: number): string => new Date(at).toISOString();
const textOf = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 3)}...`;
}
