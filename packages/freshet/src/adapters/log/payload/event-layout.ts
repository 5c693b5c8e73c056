import type { AcceptedEvent, EventType } from "../../../core/event.ts";
import type {
  EventDefinition,
  PlanDefinition,
  PropertyDefinition,
  PropertyKind,
} from "../../../core/plan/definition.ts";
import { type Field, type FieldType, fieldsMax, type Layout, type NamedRecord } from "./layout.ts";

/** Events beyond these share the generic form, and the schema's text stays below the registry's megabyte. */
const namesMax = 500;
/** Of all events together. */
const propertiesMax = 5000;

/** How events are laid out while a plan is in force: its events and tables have fields of their own. */
export function layoutOf(plan: Pick<PlanDefinition, "events" | "joins" | "tables">): Layout {
  const records = recordsOf(plan.events);
  const identify = plan.events.find(({ name }) => name === "Identify");
  const names = records.map(({ name }) => name);
  return { version: 1, fields: eventFields({ plan, records, names, identify }) };
}

interface Known {
  readonly plan: Pick<PlanDefinition, "joins" | "tables">;
  readonly records: readonly NamedRecord[];
  readonly names: readonly string[];
  readonly identify: EventDefinition | undefined;
}

const eventTypes = [
  "track",
  "identify",
  "page",
  "screen",
  "group",
  "alias",
] as const satisfies readonly EventType[];

/** Without those that few events have: in Avro a field that is not there takes a byte all the same. */
type Usual = Exclude<keyof AcceptedEvent, "version" | "breach" | "corrects">;

/** In the order in which accept writes them, which costs nothing to keep. */
function eventFields({ plan, records, names, identify }: Known): readonly Field[] {
  const fields: { readonly [name in Usual]: Omit<Field, "name"> } = {
    id: { type: text, required: true },
    type: { type: { kind: "choice", values: eventTypes }, required: true },
    name: { type: { kind: "choice", values: choicesOf(names) }, required: true },
    time: { type: { kind: "whole" }, required: true },
    source: { type: { kind: "choice", values: ["default"] }, required: true },
    properties: { type: { kind: "byName", records } },
    userId: { type: text },
    anonymousId: { type: text },
    traits: { type: record(traitFields(identify)) },
    context: { type: record(contextFields) },
    extra: { type: anything },
    imported: { type: { kind: "boolean" } },
    notes: { type: anything },
    joined: { type: record(joinedFields(plan)) },
    tables: { type: record(plan.tables.map(({ name }) => field(name, { kind: "whole" }))) },
  };
  return Object.entries(fields).map(([name, rest]) => ({ name, ...rest }));
}

/** Names that events have which no plan need declare. */
function choicesOf(names: readonly string[]): readonly string[] {
  return [...new Set([...names, "Identify", "Page", "Screen", "Group", "Alias"])];
}

const text: FieldType = { kind: "text" };
const anything: FieldType = { kind: "any" };

function field(name: string, type: FieldType): Field {
  return { name, type };
}

/** A field of the one name that an assignment takes for a prototype is no field: its key goes with the others. */
function record(fields: readonly Field[]): FieldType {
  const named = fields.filter(({ name }) => name !== "__proto__");
  return { kind: "record", fields: named.slice(0, fieldsMax) };
}

function texts(...names: readonly string[]): readonly Field[] {
  return names.map((name) => field(name, text));
}

/** What clients for pages send with a page view, whatever the plan says of it. */
const pageFields = texts("path", "referrer", "search", "title", "url", "name", "category");

/** What clients and accept put into the context, in the order in which most events have it. */
const contextFields: readonly Field[] = [
  field("page", record(texts("path", "referrer", "search", "title", "url"))),
  field("userAgent", text),
  field(
    "userAgentData",
    record([
      field("brands", anything),
      field("mobile", { kind: "boolean" }),
      field("platform", text),
    ]),
  ),
  field("locale", text),
  field("library", record(texts("name", "version"))),
  field("campaign", record(texts("source", "medium", "name", "term", "content"))),
  field("timezone", text),
  field("ip", text),
  field("device", record(texts("class"))),
  field("browser", record(texts("name", "version"))),
  field("os", record(texts("name", "version"))),
  field("consent", anything),
  field(
    "geo",
    record([
      ...texts("country", "region", "city", "timezone"),
      field("version", { kind: "whole" }),
    ]),
  ),
];

function traitFields(identify: EventDefinition | undefined): readonly Field[] {
  const declared = identify === undefined ? [] : declaredFields(identify);
  return withFields(declared, texts("email", "name", "firstName", "lastName", "phone"));
}

function recordsOf(events: readonly EventDefinition[]): readonly NamedRecord[] {
  const records = new Map<string, readonly Field[]>();
  let properties = 0;
  for (const event of events.slice(0, namesMax)) {
    const fields = declaredFields(event);
    properties += fields.length;
    if (properties > propertiesMax) break;
    records.set(event.name, fields);
  }
  records.set("Page", withFields(records.get("Page") ?? [], pageFields));
  return [...records]
    .map(([name, fields]) => ({ name, fields }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The properties of the newest version, and those that only earlier ones have. */
function declaredFields({ properties, earlier = [] }: EventDefinition): readonly Field[] {
  const newest = fieldsOf(properties);
  return [...earlier]
    .reverse()
    .reduce((fields, version) => withFields(fields, fieldsOf(version.properties)), newest);
}

function withFields(fields: readonly Field[], more: readonly Field[]): readonly Field[] {
  const known = new Set(fields.map(({ name }) => name));
  return [...fields, ...more.filter(({ name }) => !known.has(name))].slice(0, fieldsMax);
}

function fieldsOf(properties: { readonly [name: string]: PropertyDefinition }): readonly Field[] {
  return Object.entries(properties)
    .filter(([name]) => name !== "__proto__")
    .map(([name, { kind }]) => field(name, { kind: typeOf[kind] }))
    .slice(0, fieldsMax);
}

type ScalarKind = "text" | "number" | "boolean" | "any";

const typeOf: { readonly [kind in PropertyKind]: ScalarKind } = {
  string: "text",
  number: "number",
  integer: "number",
  boolean: "boolean",
  list: "any",
  object: "any",
  any: "any",
};

function joinedFields({ joins, tables }: Known["plan"]): readonly Field[] {
  const picked = new Map<string, Set<string>>();
  for (const { table, pick } of joins) {
    const columns = picked.get(table) ?? new Set();
    for (const column of pick) columns.add(column);
    picked.set(table, columns);
  }
  return [...picked].map(([name, columns]) => {
    const known = fieldsOf(tables.find((table) => table.name === name)?.columns ?? {});
    return field(name, record([...columns].map((column) => columnField(column, known))));
  });
}

function columnField(column: string, known: readonly Field[]): Field {
  return known.find(({ name }) => name === column) ?? field(column, anything);
}
