import type { Json, JsonObject } from "@freshet/protocol";
import protobuf from "protobufjs";
import { schemaBytes } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { DecodeMeter } from "../schema.ts";
import { isObject } from "../text.ts";

/**
 * Makes Protobuf's own JSON what events are made of, in place: whole numbers of 64 bits are numbers where a double holds
 * them exactly, as those of Avro are, and fields without presence are there with their zero, which the mapping leaves out
 * and which the payload cannot tell from a zero that was set. Throws `schemaBytes` past `valueItemsMax` fields: each of
 * many empty messages gets all of its own.
 */
export function plainMessage(type: protobuf.Type, value: Json, meter: DecodeMeter): Json {
  const plan = planOf(type);
  if (plan.kind === "whole") return plainWhole(value);
  if (plan.kind === "message" && isObject(value)) fill(plan.fields, value, meter);
  return value;
}

/** `own`: a type of Protobuf itself, whose JSON is not that of its fields. */
type MessagePlan =
  | { readonly kind: "own" | "whole" }
  | { readonly kind: "message"; readonly fields: readonly FieldPlan[] };

interface FieldPlan {
  readonly key: string;
  /** Undefined where a field that is not there is just that. */
  readonly zero: (() => Json) | undefined;
  /** Undefined where a value is plain as it is. */
  readonly plain: ((value: Json, meter: DecodeMeter) => Json) | undefined;
}

/** The one place where a decoded value changes: nobody else has it yet. */
type Open<Container> = { -readonly [Key in keyof Container]: Container[Key] };

function fill(fields: readonly FieldPlan[], message: Open<JsonObject>, meter: DecodeMeter): void {
  meter.items += 1 + fields.length;
  if (meter.items > schemaLimits.valueItemsMax)
    throw schemaBytes(`the value has more than ${schemaLimits.valueItemsMax} items`);
  for (const { key, zero, plain } of fields) {
    const value = message[key];
    if (value === undefined) {
      if (zero !== undefined) message[key] = zero();
    } else if (plain !== undefined) message[key] = plain(value, meter);
  }
}

const plans = new WeakMap<protobuf.Type, MessagePlan>();

function planOf(type: protobuf.Type): MessagePlan {
  const known = plans.get(type);
  if (known !== undefined) return known;
  const made = makePlan(type);
  plans.set(type, made);
  return made;
}

function makePlan(type: protobuf.Type): MessagePlan {
  const { fullName } = type;
  if (/^\.google\.protobuf\.U?Int64Value$/.test(fullName)) return { kind: "whole" };
  if (fullName.startsWith(".google.protobuf.")) return { kind: "own" };
  const fields = type.fieldsArray
    .map((field) => planOfField(field.resolve()))
    .filter(({ zero, plain }) => zero !== undefined || plain !== undefined);
  return { kind: "message", fields };
}

function planOfField(field: protobuf.Field): FieldPlan {
  const key = field.jsonName ?? field.name;
  const one = plainOf(field);
  if (field instanceof protobuf.MapField)
    return {
      key,
      zero: () => ({}),
      plain: one && ((value, meter) => eachEntry(value, one, meter)),
    };
  if (field.repeated)
    return { key, zero: () => [], plain: one && ((value, meter) => eachItem(value, one, meter)) };
  const hasPresence = field.hasPresence || field.resolvedType instanceof protobuf.Type;
  const zero = hasPresence ? undefined : zeroOf(field);
  return { key, zero: zero === undefined ? undefined : () => zero, plain: one };
}

type Plain = NonNullable<FieldPlan["plain"]>;

function eachItem(value: Json, plain: Plain, meter: DecodeMeter): Json {
  if (!Array.isArray(value)) return value;
  const list = value as Json[];
  for (let at = 0; at < list.length; at++) list[at] = plain(list[at] ?? null, meter);
  return list;
}

function eachEntry(value: Json, plain: Plain, meter: DecodeMeter): Json {
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item ?? null, meter)]));
}

function plainOf({ type, resolvedType }: protobuf.Field): Plain | undefined {
  if (resolvedType instanceof protobuf.Type)
    return (value, meter) => plainMessage(resolvedType, value, meter);
  return int64s.has(type) ? plainWhole : undefined;
}

const int64s: ReadonlySet<string> = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

function plainWhole(value: Json): Json {
  const number = Number(value);
  return typeof value === "string" && Number.isSafeInteger(number) ? number : value;
}

function zeroOf({ type, resolvedType }: protobuf.Field): Json | undefined {
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[0];
  if (type === "bool") return false;
  return type === "string" || type === "bytes" ? "" : 0;
}
