import protobuf from "protobufjs";
import descriptor, {
  type IDescriptorProto,
  type IFieldDescriptorProto,
  type IFileDescriptorProto,
} from "protobufjs/ext/descriptor.js";
import { messageOf as reasonOf, schemaInvalid } from "../error.ts";
import { printProto } from "./print.ts";
import type { ProtobufSchema } from "./schema.ts";

/**
 * Schemas as descriptors: bytes of a `google.protobuf.FileDescriptorProto` in base64, as clients that have no parser
 * for `.proto` files send and ask for them.
 */
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** No `.proto` file is one word. */
export function isDescriptor(text: string): boolean {
  return base64.test(text.trim());
}

/** A descriptor as a `.proto` file. Throws `schemaInvalid`. */
export function textOfDescriptor(text: string): string {
  try {
    const bytes = Buffer.from(text.trim(), "base64");
    const file = descriptor.FileDescriptorProto.decode(bytes) as IFileDescriptorProto;
    return printProto(fileOf(file));
  } catch (error) {
    throw schemaInvalid(`the schema is no descriptor of a file: ${reasonOf(error)}`, error);
  }
}

function fileOf(file: IFileDescriptorProto): Parameters<typeof printProto>[0] {
  const edition = editionOf(file.syntax);
  const root = new protobuf.Root();
  const name = file.package ?? "";
  const place = name === "" ? root : root.define(name);
  const context = { edition, keepCase: true };
  for (const one of file.messageType ?? []) place.add(protobuf.Type.fromDescriptor(one, context));
  for (const one of file.enumType ?? []) place.add(protobuf.Enum.fromDescriptor(one, context));
  for (const one of file.service ?? []) place.add(protobuf.Service.fromDescriptor(one, context));
  // What an extension extends is in another file as often as not.
  for (const one of file.extension ?? []) place.add(protobuf.Field.fromDescriptor(one, context));
  for (const one of file.messageType ?? []) keepJsonNames(one, place.get(one.name ?? ""));
  shorten(
    place.nestedArray.filter((one) => one instanceof protobuf.Type),
    name,
  );
  if (place.nestedArray.length === 0) throw new Error("it defines nothing");
  return {
    root,
    package: name === "" ? undefined : name,
    imports: (file.dependency ?? []) as readonly string[],
    weakImports: [],
    isProto3: edition === "proto3",
  };
}

function editionOf(syntax: string | undefined): "proto2" | "proto3" {
  if (syntax === undefined || syntax === "" || syntax === "proto2") return "proto2";
  if (syntax === "proto3") return "proto3";
  throw new Error(`its syntax is "${syntax.slice(0, 30)}", expected proto2 or proto3`);
}

/**
 * Names as people write them: descriptors have the whole name of every type, with a dot in front. It stays where a
 * nested type would be found under the short one.
 */
function shorten(types: readonly protobuf.Type[], packageName: string): void {
  const prefix = packageName === "" ? "." : `.${packageName}.`;
  const all = types.flatMap((type) => [type, ...nestedIn(type)]);
  const shadows = new Set(
    types
      .flatMap(nestedIn)
      .flatMap((type) => [type.name, ...enumsIn(type)])
      .concat(types.flatMap(enumsIn)),
  );
  for (const field of all.flatMap((type) => type.fieldsArray)) {
    const short = field.type.startsWith(prefix) ? field.type.slice(prefix.length) : undefined;
    const [first = ""] = short?.split(".") ?? [];
    if (short !== undefined && !shadows.has(first)) field.type = short;
  }
}

/** Those that somebody chose; the compiler writes one into every field. */
function keepJsonNames(made: IDescriptorProto, type: protobuf.ReflectionObject | null): void {
  if (!(type instanceof protobuf.Type)) return;
  for (const { name = "", jsonName = "" } of made.field ?? []) {
    const derived = name.replace(/_+(\w?)/g, (_, letter: string) => letter.toUpperCase());
    if (jsonName !== "" && jsonName !== derived)
      type.fields[name]?.setOption("json_name", jsonName);
  }
  for (const one of made.nestedType ?? []) keepJsonNames(one, type.get(one.name ?? ""));
}

function nestedIn(type: protobuf.Type): protobuf.Type[] {
  return type.nestedArray.flatMap((one) =>
    one instanceof protobuf.Type ? [one, ...nestedIn(one)] : [],
  );
}

function enumsIn(type: protobuf.Type): string[] {
  return type.nestedArray.flatMap((one) => (one instanceof protobuf.Enum ? [one.name] : []));
}

/** A parsed file as a descriptor in base64. The file is named by whoever asks: `.proto` files have no name inside. */
export function descriptorOf(schema: ProtobufSchema): string {
  const { text, package: packageName, root, own } = schema;
  const alone = protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  const edition = editionOf(/^\s*syntax\s*=\s*["'](\w+)["']/m.exec(text)?.[1]);
  const place = packageName === "" ? root : root.lookup(packageName);
  const nested = place instanceof protobuf.Namespace ? place.nestedArray : [];
  const mine = nested.filter(({ name }) => own.has(name));
  const file: IFileDescriptorProto = {
    name: "default",
    ...(packageName === "" ? {} : { package: packageName }),
    dependency: [...(alone.imports ?? []), ...(alone.weakImports ?? [])],
    messageType: mine.flatMap((one) =>
      one instanceof protobuf.Type ? [messageOf(one, edition)] : [],
    ),
    enumType: mine.flatMap((one) => (one instanceof protobuf.Enum ? [one.toDescriptor()] : [])),
    ...(edition === "proto3" ? { syntax: "proto3" } : {}),
  };
  return Buffer.from(descriptor.FileDescriptorProto.encode(file).finish()).toString("base64");
}

/**
 * The library's own, and what other implementations are strict about: names of types are whole, the entry types of
 * maps have the names that the compiler gives them, and the oneofs that stand for `optional` come last.
 */
function messageOf(type: protobuf.Type, edition: string): IDescriptorProto {
  const made: IDescriptorProto = type.toDescriptor(edition);
  const oneofs = type.oneofsArray.toSorted(
    (a, b) => Number(a.isProto3Optional) - Number(b.isProto3Optional),
  );
  const fields = type.fieldsArray.map((field, index) => ({
    field,
    made: made.field?.[index] ?? {},
  }));
  const maps = fields.filter(({ field }) => field instanceof protobuf.MapField);
  const entries = maps.map(({ field, made: { typeName } }) =>
    entryOf(field, made.nestedType?.find(({ name }) => name === typeName) ?? {}),
  );
  const nested = type.nestedArray.flatMap((one) =>
    one instanceof protobuf.Type ? [messageOf(one, edition)] : [],
  );
  return {
    ...made,
    field: fields.map((one) => fieldOf(one.field, one.made, oneofs)),
    nestedType: [...nested, ...entries],
    oneofDecl: oneofs.map(({ name }) => ({ name })),
  };
}

function fieldOf(
  field: protobuf.Field,
  made: IFieldDescriptorProto,
  oneofs: readonly protobuf.OneOf[],
): IFieldDescriptorProto {
  const { jsonName: _named, typeName: _short, oneofIndex: _index, ...same } = plain(made);
  const isMap = field instanceof protobuf.MapField;
  const typeName = isMap
    ? `${field.parent?.fullName}.${entryName(field)}`
    : field.resolvedType?.fullName;
  const jsonName: unknown = field.options?.["json_name"];
  return {
    ...same,
    ...(typeName === undefined ? {} : { typeName }),
    ...(typeof jsonName === "string" ? { jsonName } : {}),
    ...(field.partOf === null ? {} : { oneofIndex: oneofs.indexOf(field.partOf) }),
  };
}

function entryOf(field: protobuf.Field, made: IDescriptorProto): IDescriptorProto {
  const [key = {}, value = {}] = made.field ?? [];
  const { typeName: _short, ...same } = plain(value);
  const typeName = field.resolvedType?.fullName;
  return {
    name: entryName(field),
    field: [key, { ...same, ...(typeName === undefined ? {} : { typeName }) }],
    options: { mapEntry: true },
  };
}

/** As the compiler of Protobuf makes it. */
function entryName({ name }: protobuf.Field): string {
  return `${name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
}

/** What a message has of its own: its prototype has a default for every field. */
function plain(made: IFieldDescriptorProto): IFieldDescriptorProto {
  return Object.fromEntries(Object.entries(made));
}
