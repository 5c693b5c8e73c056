import {
  amount,
  type EventProposal,
  number,
  type Property,
  plain,
  quoted,
  remarks,
} from "../../schema/infer/index.ts";
import type { InferMoment, InferReport } from "./infer.ts";

type Proposed = Property["value"];
type Type = Proposed["types"][number];

/** What was read, every event as a table, and how it compares with the plan. */
export function showInference(report: InferReport, place: string): string {
  const { proposals, plan } = report;
  const parts = [showRead(report, place), ...proposals.map((one) => showEvent(one, report))];
  if (plan === undefined) return `${parts.join("\n\n")}\n`;
  const unknown = plan.unknownEvents.length;
  const lines = [
    `the plan "${plan.name}"`,
    ...(unknown === 0
      ? []
      : [`  does not name ${amount(unknown, "event")}: ${listed(plan.unknownEvents)}`]),
    ...(plan.missingEvents.length === 0
      ? []
      : [`  names events that did not come: ${listed(plan.missingEvents)}`]),
    plan.broken === 0
      ? "  is kept by every event"
      : `  is broken by ${amount(plan.broken, "event")}: freshet infer --check lists how`,
  ];
  return `${[...parts, lines.join("\n")].join("\n\n")}\n`;
}

const namesShown = 12;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, namesShown).map(quoted).join(", ");
  return names.length > namesShown ? `${shown} and ${names.length - namesShown} more` : shown;
}

export function showRead(report: InferReport, place: string): string {
  const { events, refused, passed, unnamed, seed } = report;
  const span = `${time(report.oldestAt)} to ${time(report.newestAt)}`;
  const left: readonly (readonly [number, string, string])[] = [
    [passed.corrected, "event", "that somebody corrected"],
    [passed.otherRefusal, "event", "refused for something else than the contract"],
    [passed.notKept, "refused event", "of which only the name was kept"],
    [unnamed, "event", "of too many different names; give those that you mean"],
    [report.dataNamed, "event", "whose names look like data; give those that you mean"],
  ];
  const lines = [
    `${amount(events, "event")} of ${place}, ${span}; ${number(refused)} of them refused for their contract; seed ${seed}`,
    ...(report.isInterrupted
      ? ["stopped before the end: what follows rests on what was read"]
      : []),
    ...(report.isCut && !report.isInterrupted
      ? ["older events were not read: --events <number> reads more"]
      : []),
    ...left.flatMap(([count, what, why]) =>
      count === 0 ? [] : [`left out: ${amount(count, what)} ${why}`],
    ),
  ];
  return lines.join("\n");
}

function showEvent(proposal: EventProposal, { plan }: InferReport): string {
  const { name, count, refused, content, notes } = proposal;
  const compared = plan?.events.get(name);
  const unknown = plan?.unknownEvents.includes(name) === true ? ", not in the plan" : "";
  const head = `${plain(name)}  ${amount(count, "event")}${refused === 0 ? "" : `, ${number(refused)} refused`}${unknown}`;
  const rows = content.properties.flatMap((property) => {
    const isUnnamed = compared?.unnamed.has(property.name) === true;
    return rowsOf(property, "", isUnnamed ? ["not in the plan"] : []);
  });
  return [
    head,
    ...table(rows),
    ...(compared?.neverSeen ?? []).map((one) => `  ${plain(one)}: in the plan, and in no event`),
    ...notes.map((note) => `  note: ${note}`),
  ].join("\n");
}

/** A property, and what is inside of it. */
function rowsOf(property: Property, prefix: string, more: readonly string[]): string[][] {
  const place = prefix + plain(property.name);
  const there = property.isRequired && !property.value.isNullable ? "always" : "";
  const said = [...remarks(property), ...more].join("; ");
  return [[place, typeText(property.value), there, said], ...insideRows(property.value, place)];
}

function insideRows({ types }: Proposed, place: string): string[][] {
  return types.flatMap((type) => {
    if (type.kind === "record")
      return type.properties.flatMap((one) => rowsOf(one, `${place}.`, []));
    if (type.kind === "list") return insideRows(type.items, `${place}[]`);
    return type.kind === "map" ? insideRows(type.values, `${place}.*`) : [];
  });
}

function typeText({ types, isOpen }: Proposed): string {
  if (types.length === 0) return isOpen ? "anything" : "null";
  return types.map(oneType).join(" or ");
}

function oneType(type: Type): string {
  switch (type.kind) {
    case "boolean":
      return "true or false";
    case "integer":
      return "whole number";
    case "number":
      return "number";
    case "string":
      return "text";
    case "list":
      return type.items.types.length === 0 ? "list" : `list of ${typeText(type.items)}`;
    case "map":
      return type.values.types.length === 0 ? "map" : `map to ${typeText(type.values)}`;
    case "record":
      return "object";
  }
}

/** The table of `--check`. */
export function showBreaches(report: InferReport, place: string): string {
  const { plan } = report;
  if (plan === undefined) return "";
  const head = `${showRead(report, place)}\n`;
  if (plan.broken === 0) return `${head}no event breaks the contracts of the plan "${plan.name}"\n`;
  const rows = plan.breaches.map(({ event, message, count, taken, origins }) => [
    ...[number(count), taken === 0 ? "" : `${number(taken)} taken`, plain(event)],
    // The event stands in its own column.
    plain(message.replace(/^event ".*?"( \(version \d+\))?: /, "$1")),
    origins.map(plain).join("; "),
  ]);
  const what = `${amount(plan.broken, "event")} of ${number(report.events)} break the contracts of the plan "${plan.name}"`;
  return `${head}${what}\n${table(rows).join("\n")}\n`;
}

/** One line about how far it is. */
export function showInferMoment({ events, at, elapsedMs }: InferMoment): string {
  const perSecond = elapsedMs < 500 ? "" : `, ${number(Math.round((1000 * events) / elapsedMs))}/s`;
  return `infer: ${amount(events, "event")}${perSecond}, back to ${time(at)}`;
}

/** Columns side by side; a wide one does not push the others away. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.min(columnMax, Math.max(...rows.map((row) => row[at]?.length ?? 0))),
  );
  return rows.map((row) =>
    `  ${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd(),
  );
}

const columnMax = 44;

const time = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString() : "");
