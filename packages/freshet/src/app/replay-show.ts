import type { ReplayMoment, ReplayReport } from "./replay.ts";

/** One line about how far a replay is. */
export function showReplayMoment({ records, recordsTotal, elapsedMs }: ReplayMoment): string {
  const share = recordsTotal === 0 ? 1 : records / recordsTotal;
  return `${records} of ${recordsTotal} records, ${Math.round((records * 1000) / Math.max(1, elapsedMs))} records/s, ${Math.floor(share * 100)} %`;
}

export function showReplay(report: ReplayReport): string {
  const seconds = (report.elapsedMs / 1000).toFixed(1);
  const { applied, duplicate, rejected } = report.counters;
  const lines = [
    `replayed ${report.records} records, offsets ${report.from} to ${report.to}, in ${seconds} s`,
    `  events     ${applied} applied, ${duplicate} duplicate, ${rejected} rejected`,
    `  profiles   ${report.profiles}`,
    ...Object.entries(report.entities).map(([entity, count]) => `  entity     ${entity}: ${count}`),
    ...report.features.map(
      ({ name, profiles, approximate }) =>
        `  feature    ${name}: ${profiles} profiles${approximate > 0 ? `, ${approximate} approximate` : ""}`,
    ),
    ...report.segments.map(({ name, profiles }) => `  segment    ${name}: ${profiles} profiles`),
    ...Object.entries(report.effects.send).map(([rule, count]) => `  not sent   ${rule}: ${count}`),
    ...Object.entries(report.effects.push).map(([rule, count]) => `  not pushed ${rule}: ${count}`),
    ...report.warnings.map((text) => `  warning    ${text}`),
    ...(report.mode === "asWas" ? showComparison(report) : showChanges(report)),
    ...(report.applied
      ? ["the replayed state is the folder's own now; what it was before is in the folder below"]
      : []),
    ...(report.kept === null ? [] : [`kept in ${report.kept}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function showComparison({ comparison }: ReplayReport): string[] {
  if (typeof comparison === "string") return [`not compared with live: ${comparison}`];
  if (comparison.different === 0)
    return [
      `live state: the same in all ${comparison.keys} keys, at offset ${comparison.position}`,
    ];
  return [
    `live state: ${comparison.different} differences in ${comparison.keys} keys, at offset ${comparison.position}`,
    ...comparison.examples.map((text) => `  ${text}`),
  ];
}

function showChanges({ changes }: ReplayReport): string[] {
  if (changes.length === 0) return ["memberships: nobody would enter or leave a segment"];
  return [
    "memberships, against live:",
    ...changes.map(
      ({ segment, entered, left, examples }) =>
        `  ${segment}: ${entered} enter, ${left} leave (${examples.join(", ")})`,
    ),
  ];
}
