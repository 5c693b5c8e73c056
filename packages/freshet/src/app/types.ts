import type { Json } from "@freshet/protocol";
import type {
  EventDefinition,
  PlacementDefinition,
  PlanDefinition,
  PropertyDefinition,
  PropertyKind,
} from "../core/plan/definition.ts";
import { parseSchema, typeScriptOf } from "../schema/index.ts";

/**
 * The plan as a TypeScript file: with it the SDKs refuse, where a program is compiled, an event that the plan does
 * not know, a property of another type, and a placement that is not there.
 */
export function typesOf(plan: PlanDefinition, name = typeName(plan.name)): string {
  const events = plan.events.map((event) => `${keyOf(event.name)}: ${eventType(event)};`);
  const placements = plan.placements.map(
    (placement) => `${keyOf(placement.name)}:${placementType(placement, plan)};`,
  );
  return [
    `// Made by "freshet types" of the plan ${JSON.stringify(plan.name)}. Make it again when the plan changes.`,
    `export interface ${name} {`,
    ...indented(["readonly events: {", ...indented(events), "};"]),
    ...indented(["readonly placements: {", ...indented(placements), "};"]),
    "}",
    "",
  ].join("\n");
}

/** "my shop" is `MyShop`. */
function typeName(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  return /^[\p{L}_$]/u.test(joined) ? joined : `Plan${joined}`;
}

/**
 * Of the newest version. Properties that a shape does not name are kept unchecked, so they may be anything here too; a
 * schema says itself what it takes.
 */
function eventType({ properties, schema }: EventDefinition): string {
  if (schema !== undefined) {
    const type = typeScriptOf(parseSchema(schema.language, schema.text), schema.message);
    return type === "unknown" ? "{ readonly [property: string]: unknown }" : type;
  }
  const fields = Object.entries(properties).map(propertyType);
  return block([...fields, "readonly [property: string]: unknown;"]);
}

function propertyType([name, { kind, optional }]: readonly [string, PropertyDefinition]): string {
  return `${keyOf(name)}${optional ? "?" : ""}: ${kindTypes[kind]};`;
}

const kindTypes: { readonly [Kind in PropertyKind]: string } = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  list: "readonly unknown[]",
  object: "{ readonly [name: string]: unknown }",
  any: "unknown",
};

function placementType({ variants, fallback, items }: PlacementDefinition, plan: PlanDefinition) {
  const row = plan.tables.find(({ name }) => name === items?.table);
  const itemFields = Object.entries(row?.columns ?? {}).map(propertyType);
  const shown = [...variants, { name: "fallback", content: fallback }].map(({ name, content }) => {
    const fields = [
      `readonly variant: ${JSON.stringify(name)};`,
      `readonly content: ${contentType(content)};`,
    ];
    if (items !== undefined)
      fields.push(
        `readonly items: readonly ${block([...itemFields, "readonly reason: string;"])}[];`,
      );
    return `\n  | ${block(fields).replaceAll("\n", "\n    ")}`;
  });
  return shown.join("");
}

function contentType(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const types = [...new Set(value.map((entry) => contentType(entry as Json)))];
    return `readonly (${types.length === 0 ? "never" : types.join(" | ")})[]`;
  }
  if (typeof value === "object") {
    const fields = Object.entries(value).map(
      ([name, entry]) => `${keyOf(name)}: ${contentType(entry ?? null)};`,
    );
    return fields.length === 0 ? "Record<never, never>" : block(fields);
  }
  // A text that is nothing but one field becomes that field's value, of whatever type.
  const isField = typeof value === "string" && /^\{\{\w+\}\}$/.test(value);
  return isField ? "string | number | boolean | null" : typeof value;
}

function keyOf(name: string): string {
  return `readonly ${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}`;
}

function block(lines: readonly string[]): string {
  return ["{", ...indented(lines), "}"].join("\n");
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line.replaceAll("\n", "\n  ")}`);
}
