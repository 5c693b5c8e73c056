import protobuf from "protobufjs";
import { backward, type Difference, type Sides } from "../difference.ts";
import { schemaLimits } from "../limits.ts";
import { localName, type ProtobufSchema } from "./schema.ts";

/**
 * Why bytes of `writer` are not safely read with `reader`, after "Updating A Message Type" of the Protobuf language
 * guide: fields are known by number, unknown fields are passed over, and a type may change within its group.
 * Removed messages, moves into and out of a oneof and reserved numbers are refused as the registry refuses them, although
 * some data would survive.
 */
export function protobufDifferences(
  reader: ProtobufSchema,
  writer: ProtobufSchema,
  sides: Sides = backward,
): readonly Difference[] {
  const comparison: Comparison = { reader, writer, sides, found: [], seen: new Set(), steps: 0 };
  if (reader.package !== writer.package)
    add(comparison, "PACKAGE_CHANGED", "", {
      reason: `the package is "${reader.package}" in ${side(comparison, "reader")}, "${writer.package}" in ${side(comparison, "writer")}`,
    });
  for (const name of writer.own) {
    const theirs = typeOf(writer, name);
    if (!(theirs instanceof protobuf.Type)) continue;
    const ours = reader.own.has(name) ? typeOf(reader, name) : null;
    if (ours instanceof protobuf.Type) compareMessages(ours, theirs, comparison);
    else
      add(comparison, "MESSAGE_REMOVED", name, {
        reason: `message "${name}" is missing in ${side(comparison, "reader")}`,
      });
  }
  return comparison.found;
}

interface Comparison {
  readonly reader: ProtobufSchema;
  readonly writer: ProtobufSchema;
  readonly sides: Sides;
  readonly found: Difference[];
  /** Pairs of messages that are compared or have been. */
  readonly seen: Set<string>;
  steps: number;
}

function typeOf(schema: ProtobufSchema, local: string): protobuf.ReflectionObject | null {
  return schema.root.lookup(schema.package === "" ? `.${local}` : `.${schema.package}.${local}`);
}

/** Readers and writers of one pair of messages. */
interface Messages {
  readonly ours: protobuf.Type;
  readonly theirs: protobuf.Type;
  readonly path: string;
}

function compareMessages(ours: protobuf.Type, theirs: protobuf.Type, comparison: Comparison): void {
  const key = `${ours.fullName} ${theirs.fullName}`;
  if (comparison.seen.has(key)) return;
  comparison.seen.add(key);
  const path = localName(ours.fullName, comparison.reader.package);
  const messages: Messages = { ours, theirs, path };
  const written = new Map(theirs.fieldsArray.map((field) => [field.id, field]));
  const read = new Map(ours.fieldsArray.map((field) => [field.id, field]));
  for (const field of ours.fieldsArray) {
    const other = written.get(field.id);
    if (other === undefined) compareAdded(field, messages, comparison);
    else compareFields({ field, other, path: `${path}.${field.name}` }, comparison);
  }
  for (const field of theirs.fieldsArray) {
    if (read.has(field.id) || !field.required) continue;
    add(comparison, "REQUIRED_FIELD_REMOVED", `${path}.${field.name}`, {
      reason: `required field ${field.id} is missing in ${side(comparison, "reader")}`,
    });
  }
  compareOneofs(messages, { written, read }, comparison);
}

function compareAdded(field: protobuf.Field, { theirs, path }: Messages, comparison: Comparison) {
  const place = `${path}.${field.name}`;
  if (field.required)
    add(comparison, "REQUIRED_FIELD_ADDED", place, {
      reason: `required field ${field.id} is missing in ${side(comparison, "writer")}`,
    });
  if (comparison.sides.reader === "new" && theirs.isReservedId(field.id))
    add(comparison, "RESERVED_NUMBER_REUSED", place, {
      reason: `number ${field.id} is reserved in ${side(comparison, "writer")}: data may still have it`,
    });
}

interface Fields {
  readonly field: protobuf.Field;
  readonly other: protobuf.Field;
  readonly path: string;
}

function compareFields(fields: Fields, comparison: Comparison): void {
  const { field, other, path } = fields;
  if (++comparison.steps > schemaLimits.comparisonStepsMax) return;
  if (field.required && !other.required)
    add(comparison, "REQUIRED_FIELD_ADDED", path, {
      reason: `field ${field.id} is required in ${side(comparison, "reader")} only`,
    });
  const kinds = [kindOf(field), kindOf(other)] as const;
  if (kinds[0] !== kinds[1]) {
    add(comparison, "FIELD_KIND_CHANGED", path, {
      reason: `field ${field.id} is a ${kinds[0]} in ${side(comparison, "reader")}, a ${kinds[1]} in ${side(comparison, "writer")}`,
      info: `${field.type}, ${other.type}`,
    });
    return;
  }
  if (field instanceof protobuf.MapField && other instanceof protobuf.MapField)
    compareScalars(field.keyType, other.keyType, fields, comparison);
  compareTypes(fields, comparison);
  const isNumeric =
    groupOf(field) !== "text" && !isMessage(field) && !(field instanceof protobuf.MapField);
  if (field.repeated !== other.repeated && isNumeric)
    add(comparison, "FIELD_NUMERIC_LABEL_CHANGED", path, {
      reason: `numeric field ${field.id} is repeated in ${side(comparison, field.repeated ? "reader" : "writer")} only`,
    });
}

function compareTypes(fields: Fields, comparison: Comparison): void {
  const { field, other, path } = fields;
  const ours = field.resolvedType;
  const theirs = other.resolvedType;
  const isOurs = ours instanceof protobuf.Type;
  const isTheirs = theirs instanceof protobuf.Type;
  if (!isOurs && !isTheirs) compareScalars(scalarOf(field), scalarOf(other), fields, comparison);
  else if (isOurs && isTheirs) {
    const names = [ownName(ours, comparison.reader), ownName(theirs, comparison.writer)] as const;
    if (names[0] !== names[1])
      add(comparison, "FIELD_NAMED_TYPE_CHANGED", path, {
        reason: `field ${field.id} is of type "${names[0]}" in ${side(comparison, "reader")}, "${names[1]}" in ${side(comparison, "writer")}`,
      });
    else if (!names[0].startsWith("google.protobuf.")) compareMessages(ours, theirs, comparison);
  } else
    add(comparison, "FIELD_KIND_CHANGED", path, {
      reason: `the values of field ${field.id} are messages on one side only`,
    });
}

function ownName(type: protobuf.Type, schema: ProtobufSchema): string {
  const local = localName(type.fullName, schema.package);
  return schema.own.has(local) ? local : type.fullName.slice(1);
}

function compareScalars(ours: string, theirs: string, fields: Fields, comparison: Comparison) {
  if (groups[ours] === groups[theirs]) return;
  const { field, path } = fields;
  add(comparison, "FIELD_SCALAR_KIND_CHANGED", path, {
    reason: `field ${field.id} is "${ours}" in ${side(comparison, "reader")}, "${theirs}" in ${side(comparison, "writer")}`,
    info: `${ours}, ${theirs}`,
  });
}

function kindOf(field: protobuf.Field): "map" | "message" | "scalar" {
  if (field instanceof protobuf.MapField) return "map";
  return isMessage(field) ? "message" : "scalar";
}

function isMessage(field: protobuf.Field): boolean {
  return field.resolvedType instanceof protobuf.Type;
}

function scalarOf(field: protobuf.Field): string {
  return field.resolvedType instanceof protobuf.Enum ? "enum" : field.type;
}

function groupOf(field: protobuf.Field): string | undefined {
  return groups[scalarOf(field)];
}

/** Types whose bytes can be read as each other's. */
const groups: { readonly [type: string]: string } = {
  int32: "varint",
  int64: "varint",
  uint32: "varint",
  uint64: "varint",
  bool: "varint",
  enum: "varint",
  sint32: "zigzag",
  sint64: "zigzag",
  string: "text",
  bytes: "text",
  fixed32: "fixed32",
  sfixed32: "fixed32",
  fixed64: "fixed64",
  sfixed64: "fixed64",
  float: "float",
  double: "double",
};

interface FieldsByNumber {
  readonly written: ReadonlyMap<number, protobuf.Field>;
  readonly read: ReadonlyMap<number, protobuf.Field>;
}

function compareOneofs(messages: Messages, fields: FieldsByNumber, comparison: Comparison): void {
  const { ours, theirs, path } = messages;
  for (const oneof of realOneofs(ours)) {
    // Where its fields were before: each alone, or together in a oneof.
    const origins = new Set<protobuf.OneOf | number>();
    for (const { id } of oneof.fieldsArray) {
      const before = fields.written.get(id);
      if (before !== undefined) origins.add(oneofOf(before) ?? id);
    }
    if (origins.size < 2) continue;
    const isExisting = [...origins].some((origin) => origin instanceof protobuf.OneOf);
    const kind = isExisting ? "FIELD_MOVED_TO_EXISTING_ONEOF" : "MULTIPLE_FIELDS_MOVED_TO_ONEOF";
    add(comparison, kind, `${path}.${oneof.name}`, {
      reason: `fields of oneof "${oneof.name}" could be set together in ${side(comparison, "writer")}`,
    });
  }
  for (const oneof of realOneofs(theirs)) {
    const left = oneof.fieldsArray.filter(({ id }) => oneofAt(fields.read.get(id)) !== undefined);
    if (left.length === 0) continue;
    for (const field of oneof.fieldsArray) {
      if (oneofAt(fields.read.get(field.id)) !== undefined) continue;
      add(comparison, "ONEOF_FIELD_REMOVED", `${path}.${oneof.name}.${field.name}`, {
        reason: `field ${field.id} is no longer in its oneof in ${side(comparison, "reader")}`,
      });
    }
  }
}

function realOneofs(type: protobuf.Type): readonly protobuf.OneOf[] {
  return type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
}

function oneofAt(field: protobuf.Field | undefined): protobuf.OneOf | undefined {
  return field === undefined ? undefined : oneofOf(field);
}

function oneofOf(field: protobuf.Field): protobuf.OneOf | undefined {
  return field.partOf === null || field.partOf.isProto3Optional ? undefined : field.partOf;
}

interface Said {
  readonly reason: string;
  readonly info?: string;
}

function add({ found }: Comparison, kind: string, path: string, { reason, info = "" }: Said): void {
  if (found.length < schemaLimits.differencesMax)
    found.push({ kind, path: `#/${path.replaceAll(".", "/")}`, reason, info });
}

function side({ sides }: Comparison, whose: "reader" | "writer"): string {
  return `the ${sides[whose]} schema`;
}
