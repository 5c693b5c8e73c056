import type { AvroNode, AvroSchema } from "../avro/schema.ts";
import { listType, literalType, objectType, type TypeWriter, unionType } from "./text.ts";

/** An Avro schema's values as JSON has them (`avro/values.ts`). */
export function avroType(schema: AvroSchema, writer: TypeWriter): string {
  return typeOf(schema.root, { writer, open: new Set() });
}

interface Place {
  readonly writer: TypeWriter;
  readonly open: ReadonlySet<AvroNode>;
}

function typeOf(node: AvroNode, outer: Place): string {
  if (outer.open.has(node) || !outer.writer.spend()) return "unknown";
  const place = { ...outer, open: new Set([...outer.open, node]) };
  switch (node.kind) {
    case "null":
    case "boolean":
      return node.kind;
    case "int":
    case "long":
      return node.logical === undefined ? "number" : "string | number";
    case "float":
    case "double":
      return "number";
    case "string":
    case "bytes":
    case "fixed":
      return node.logical?.kind === "decimal" ? "string | number" : "string";
    case "enum":
      return unionType(node.symbols.map(literalType));
    case "array":
      return listType(typeOf(node.items, place));
    case "map":
      return `{ readonly [key: string]: ${typeOf(node.values, place)} }`;
    case "union":
      return unionType(node.branches.map((branch) => typeOf(branch, place)));
    case "record":
      return objectType(
        node.fields.map(({ name, type, default: otherwise }) => ({
          name,
          type: typeOf(type, place),
          isOptional: otherwise !== undefined || mayBeNull(type),
        })),
        "closed",
      );
  }
}

function mayBeNull(node: AvroNode): boolean {
  if (node.kind === "union") return node.branches.some(({ kind }) => kind === "null");
  return node.kind === "null";
}
