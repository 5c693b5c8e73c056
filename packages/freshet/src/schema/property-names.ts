import { schemaInvalid } from "./error.ts";
import { messageNamed } from "./protobuf/parse.ts";
import type { ParsedSchema } from "./schema.ts";
import { isObject } from "./text.ts";

/** The names that an object of a schema may have; undefined where it may have others. `message` as for `codecOf`. */
export function propertyNames(
  schema: ParsedSchema,
  message?: string,
): ReadonlySet<string> | undefined {
  switch (schema.type) {
    case "AVRO":
      if (schema.root.kind !== "record") return undefined;
      return new Set(schema.root.fields.map(({ name }) => name));
    case "PROTOBUF": {
      const type = message === undefined ? schema.messages[0] : messageNamed(schema, message);
      if (type === undefined) throw schemaInvalid(`the schema has no message "${message ?? ""}"`);
      return new Set(type.fieldsArray.map(({ name }) => name));
    }
    case "JSON": {
      const { root } = schema;
      if (typeof root === "boolean" || root["additionalProperties"] !== false) return undefined;
      if (root["patternProperties"] !== undefined || root["$ref"] !== undefined) return undefined;
      return new Set(isObject(root["properties"]) ? Object.keys(root["properties"]) : []);
    }
  }
}
