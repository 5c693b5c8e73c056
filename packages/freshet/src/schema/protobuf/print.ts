import protobuf from "protobufjs";

/** A file as its parser saw it, without what it imports. */
export interface ProtoFile {
  readonly root: protobuf.Root;
  readonly package: string | undefined;
  readonly imports: readonly string[] | undefined;
  readonly weakImports: readonly string[] | undefined;
  readonly isProto3: boolean;
}

/** The file in one form: no comments, imports sorted, fields by number; the order of types is kept, indexes count it. */
export function printProto(file: ProtoFile): string {
  const lines = [`syntax = "${file.isProto3 ? "proto3" : "proto2"}";`];
  if (file.package !== undefined) lines.push(`package ${file.package};`);
  for (const path of [...(file.imports ?? [])].sort()) lines.push(`import "${path}";`);
  for (const path of [...(file.weakImports ?? [])].sort()) lines.push(`import weak "${path}";`);
  const place = file.package === undefined ? file.root : file.root.lookup(file.package);
  if (place instanceof protobuf.Namespace) printNested(place, "", lines);
  return `${lines.join("\n")}\n`;
}

function printNested(place: protobuf.NamespaceBase, indent: string, lines: string[]): void {
  for (const object of place.nestedArray) {
    if (object instanceof protobuf.Type) printMessage(object, indent, lines);
    else if (object instanceof protobuf.Enum) printEnum(object, indent, lines);
    else if (object instanceof protobuf.Service) printService(object, indent, lines);
    else if (object instanceof protobuf.Field)
      lines.push(
        `${indent}extend ${object.extend} {`,
        `${indent}  ${fieldText(object)}`,
        `${indent}}`,
      );
  }
}

function printMessage(type: protobuf.Type, indent: string, lines: string[]): void {
  lines.push(`${indent}message ${type.name} {`);
  const inner = `${indent}  `;
  for (const range of type.reserved ?? []) lines.push(`${inner}reserved ${rangeText(range)};`);
  for (const range of type.extensions ?? []) lines.push(`${inner}extensions ${rangeText(range)};`);
  const byNumber = [...type.fieldsArray].sort((one, other) => one.id - other.id);
  for (const field of byNumber)
    if (field.partOf === null || field.partOf.isProto3Optional)
      lines.push(inner + fieldText(field));
  for (const oneof of type.oneofsArray) {
    if (oneof.isProto3Optional) continue;
    lines.push(`${inner}oneof ${oneof.name} {`);
    for (const field of byNumber)
      if (field.partOf === oneof) lines.push(`${inner}  ${fieldText(field)}`);
    lines.push(`${inner}}`);
  }
  printNested(type, inner, lines);
  lines.push(`${indent}}`);
}

function fieldText(field: protobuf.Field): string {
  const type =
    field instanceof protobuf.MapField ? `map<${field.keyType}, ${field.type}>` : field.type;
  const options = Object.entries(field.options ?? {})
    .filter(([name]) => name !== "proto3_optional" && !name.startsWith("features"))
    .map(([name, value]) => `${name} = ${optionText(name, value)}`)
    .sort();
  const suffix = options.length === 0 ? "" : ` [${options.join(", ")}]`;
  return `${labelOf(field)}${type} ${field.name} = ${field.id}${suffix};`;
}

function labelOf(field: protobuf.Field): string {
  if (field instanceof protobuf.MapField) return "";
  if (field.repeated) return "repeated ";
  if (field.rule === "required" || field.options?.["features.field_presence"] === "LEGACY_REQUIRED")
    return "required ";
  if (field.partOf !== null && !field.partOf.isProto3Optional) return "";
  return field.rule === "optional" || field.partOf !== null ? "optional " : "";
}

function optionText(name: string, value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return name === "json_name" ? JSON.stringify(value) : value;
}

function printEnum(type: protobuf.Enum, indent: string, lines: string[]): void {
  lines.push(`${indent}enum ${type.name} {`);
  if (type.options?.["allow_alias"] === true) lines.push(`${indent}  option allow_alias = true;`);
  for (const range of type.reserved ?? []) lines.push(`${indent}  reserved ${rangeText(range)};`);
  for (const [name, number] of Object.entries(type.values))
    lines.push(`${indent}  ${name} = ${number};`);
  lines.push(`${indent}}`);
}

function printService(service: protobuf.Service, indent: string, lines: string[]): void {
  lines.push(`${indent}service ${service.name} {`);
  for (const method of service.methodsArray) {
    const from = `${method.requestStream ? "stream " : ""}${method.requestType}`;
    const to = `${method.responseStream ? "stream " : ""}${method.responseType}`;
    lines.push(`${indent}  rpc ${method.name} (${from}) returns (${to});`);
  }
  lines.push(`${indent}}`);
}

function rangeText(range: readonly number[] | string): string {
  if (typeof range === "string") return JSON.stringify(range);
  const [from, to] = range;
  if (from === to) return String(from);
  return `${from} to ${to === 2 ** 29 - 1 ? "max" : to}`;
}
