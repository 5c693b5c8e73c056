import protobuf from "protobufjs";
import api from "protobufjs/google/protobuf/api.json" with { type: "json" };
import descriptor from "protobufjs/google/protobuf/descriptor.json" with { type: "json" };
import context from "protobufjs/google/protobuf/source_context.json" with { type: "json" };
import type from "protobufjs/google/protobuf/type.json" with { type: "json" };

/** Files that every schema may import without a reference. */
type Nested = { readonly [name: string]: protobuf.AnyNestedObject };

const files: ReadonlyMap<string, Nested> = new Map<string, Nested>([
  ...["any", "duration", "timestamp", "empty", "struct", "wrappers", "field_mask"].map(
    (name): [string, Nested] => {
      const path = `google/protobuf/${name}.proto`;
      return [path, (protobuf.common.get(path)?.nested ?? {}) as Nested];
    },
  ),
  ["google/protobuf/api.proto", api.nested as Nested],
  ["google/protobuf/descriptor.proto", descriptor.nested as Nested],
  ["google/protobuf/source_context.proto", context.nested as Nested],
  ["google/protobuf/type.proto", type.nested as Nested],
]);

export function wellKnown(path: string): Nested | undefined {
  return files.get(path);
}

/** Well-known files that a well-known file needs. */
export function importsOfWellKnown(path: string): readonly string[] {
  return needs[path] ?? [];
}

const needs: { readonly [path: string]: readonly string[] } = {
  "google/protobuf/type.proto": [
    "google/protobuf/any.proto",
    "google/protobuf/source_context.proto",
  ],
  "google/protobuf/api.proto": [
    "google/protobuf/type.proto",
    "google/protobuf/source_context.proto",
  ],
};
