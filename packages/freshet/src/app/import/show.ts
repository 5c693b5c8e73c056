import type { ImportMoment, ImportReport } from "./import.ts";

/** One line about how far an import is: rows, speed, share of the file, time left. */
export function showMoment({ rows, rowsNow, bytes, bytesTotal, elapsedMs }: ImportMoment): string {
  const share = bytesTotal === 0 ? 1 : Math.min(1, bytes / bytesTotal);
  const perSecond = elapsedMs === 0 ? 0 : (rowsNow * 1000) / elapsedMs;
  const left = share === 0 ? 0 : (elapsedMs / share) * (1 - share);
  return `${number(rows)} rows, ${number(perSecond)} rows/s, ${Math.floor(share * 100)} %, ${time(left)} left`;
}

/** What the import did, for the end. */
export function showReport(report: ImportReport, place: string): string {
  const { progress, outcome, rowsBefore } = report;
  const name = `import "${progress.name}"`;
  if (outcome === "alreadyImported")
    return `${name}: all ${number(progress.rows)} rows of this file are in already; nothing was added\n`;
  const rows = progress.rows - rowsBefore;
  const seconds = report.elapsedMs / 1000;
  const lines = [
    `${name} into ${place}: ${number(rows)} rows in ${seconds.toFixed(1)} s (${number(seconds === 0 ? 0 : rows / seconds)} rows/s)`,
    ...(rowsBefore > 0
      ? [`  continued behind row ${number(rowsBefore)}; counts are of the whole import`]
      : []),
    `  events    ${number(progress.accepted)}${duplicates(report.duplicates)}`,
    ...(progress.skipped > 0 ? [`  left out  ${number(progress.skipped)} by the mapping`] : []),
    ...rejections(report),
    ...(report.openLineBytes > 0
      ? ["  the last line has no end yet: it is left for the next run"]
      : []),
    ...(outcome === "interrupted"
      ? [`interrupted behind row ${number(progress.rows)}: run the same command again to continue`]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

function duplicates(count: number | null): string {
  return count === null || count === 0 ? "" : `, ${number(count)} of them there before`;
}

function rejections({ progress, examples }: ImportReport): string[] {
  const codes = Object.entries(progress.rejected);
  if (codes.length === 0) return [];
  const total = codes.reduce((sum, [, count]) => sum + count, 0);
  return [
    `  rejected  ${number(total)}, kept as dead letters: ${codes.map(([code, count]) => `${code} ${number(count)}`).join(", ")}`,
    ...examples.map(({ messageId, message }) => `    ${messageId}  ${message}`),
  ];
}

/** Digits in groups of three, the same in every locale. */
function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

function time(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
