import type { Root, Type } from "protobufjs";
import type { SchemaTexts } from "../schema.ts";

/** A parsed `.proto` file with what it imports, all names resolved. */
export interface ProtobufSchema extends SchemaTexts {
  readonly type: "PROTOBUF";
  /** Empty where the file names none. */
  readonly package: string;
  readonly root: Root;
  /** The file's own messages in their order, which message indexes count. */
  readonly messages: readonly Type[];
  /** Full names of the file's own messages and enums, nested ones too, without the package. */
  readonly own: ReadonlySet<string>;
}

/** A full name without its leading dot and the package. */
export function localName(fullName: string, packageName: string): string {
  const name = fullName.startsWith(".") ? fullName.slice(1) : fullName;
  return packageName !== "" && name.startsWith(`${packageName}.`)
    ? name.slice(packageName.length + 1)
    : name;
}
