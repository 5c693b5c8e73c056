import type { Json } from "@freshet/protocol";
import { schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import { isObject } from "../text.ts";
import type { AvroScalar } from "./scalar.ts";
import type { AvroNode } from "./schema.ts";
import type { Sink } from "./sink.ts";

/** What is left: defaults inside of defaults multiply, and may hold themselves. */
export interface DefaultBudget {
  steps: number;
  depth: number;
}

/** For all defaults of one schema. */
export function defaultBudget(): DefaultBudget {
  return { steps: schemaLimits.nodesMax, depth: schemaLimits.valueDepthMax };
}

function enter(budget: DefaultBudget): void {
  if (--budget.steps < 0 || --budget.depth < 0)
    throw schemaInvalid("the defaults of the schema hold too many values");
}

/** Whether a default, in the form that schemas write it, is one of this type; in a union, of any branch. */
export function isDefault(node: AvroNode, value: Json, budget: DefaultBudget): boolean {
  enter(budget);
  const isValid = isOf(node, value, budget);
  budget.depth++;
  return isValid;
}

function isOf(node: AvroNode, value: Json, budget: DefaultBudget): boolean {
  switch (node.kind) {
    case "null":
      return value === null;
    case "boolean":
      return typeof value === "boolean";
    case "int":
      return isWholeBetween(value, -(2 ** 31), 2 ** 31 - 1);
    case "long":
      return isWholeBetween(value, -(2 ** 53), 2 ** 53);
    case "float":
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bytes":
      return isBytesText(value);
    case "fixed":
      return isBytesText(value) && value.length === node.size;
    case "enum":
      return typeof value === "string" && node.symbols.includes(value);
    case "array":
      return Array.isArray(value) && value.every((item) => isDefault(node.items, item, budget));
    case "map":
      return (
        isObject(value) &&
        Object.values(value).every((item) => isDefault(node.values, item ?? null, budget))
      );
    case "union":
      return node.branches.some((branch) => isDefault(branch, value, budget));
    case "record":
      return (
        isObject(value) &&
        node.fields.every((field) => {
          const own = Object.hasOwn(value, field.name) ? value[field.name] : field.default;
          return own !== undefined && isDefault(field.type, own, budget);
        })
      );
  }
}

function isWholeBetween(value: Json, min: number, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

function isBytesText(value: Json): value is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: each code point up to 255 is one byte.
  return typeof value === "string" && /^[\u0000-\u00ff]*$/.test(value);
}

/** Writes a default that `isDefault` knows; a union takes the first branch that it fits. */
export function writeDefault(node: AvroNode, value: Json, sink: Sink, budget: DefaultBudget): void {
  enter(budget);
  write(node, value, sink, budget);
  budget.depth++;
}

function write(node: AvroNode, value: Json, sink: Sink, budget: DefaultBudget): void {
  switch (node.kind) {
    case "array":
    case "map":
      writeItems(node, value, sink, budget);
      break;
    case "union": {
      const index = node.branches.findIndex((branch) => isDefault(branch, value, budget));
      const branch = node.branches[index];
      if (branch === undefined) throw schemaInvalid("a default fits no branch of its union");
      sink.whole(index);
      writeDefault(branch, value, sink, budget);
      break;
    }
    case "record":
      for (const field of node.fields) {
        const isOwn = isObject(value) && Object.hasOwn(value, field.name);
        const own = isOwn ? value[field.name] : field.default;
        writeDefault(field.type, own ?? null, sink, budget);
      }
      break;
    default:
      if (value !== null) writeScalar(node, value, sink);
  }
}

function writeScalar(node: AvroScalar, value: Json, sink: Sink): void {
  if (typeof value === "boolean") sink.byte(value ? 1 : 0);
  else if (typeof value === "number") {
    if (node.kind === "float") sink.float(value);
    else if (node.kind === "double") sink.double(value);
    else sink.whole(value);
  } else if (typeof value === "string") {
    if (node.kind === "string") sink.text(value);
    else if (node.kind === "enum") sink.whole(node.symbols.indexOf(value));
    else {
      // Bytes stand in schemas as code points up to 255.
      if (node.kind === "bytes") sink.whole(value.length);
      sink.raw(Buffer.from(value, "latin1"));
    }
  }
}

type Container = Extract<AvroNode, { readonly kind: "array" | "map" }>;

function writeItems(node: Container, value: Json, sink: Sink, budget: DefaultBudget): void {
  const entries = Object.entries(value as object) as [string, Json][];
  if (entries.length > 0) sink.whole(entries.length);
  for (const [key, item] of entries) {
    if (node.kind === "map") sink.text(key);
    writeDefault(node.kind === "map" ? node.values : node.items, item, sink, budget);
  }
  sink.whole(0);
}
