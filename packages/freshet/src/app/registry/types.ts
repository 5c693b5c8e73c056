import {
  type KnownSchema,
  type ResolvedReference,
  registryLimits,
  type SchemaContent,
  type SchemaTypes,
} from "../../core/registry/index.ts";
import {
  differenceMessage,
  directedDifferences,
  type ParsedSchema,
  parseSchema,
} from "../../schema/index.ts";
import { descriptorOf, isDescriptor, textOfDescriptor } from "../../schema/protobuf/descriptor.ts";

interface Known extends KnownSchema {
  readonly parsed: ParsedSchema;
}

type Content = Pick<SchemaContent, "schemaType" | "schema">;

/** The languages of schemas that Freshet has, with the last parsed schemas at hand. */
export function createSchemaTypes(charsMax: number = registryLimits.parsedCharsMax): SchemaTypes {
  const cache = new Map<string, Known>();
  let chars = 0;
  const keep = (key: string, known: Known) => {
    // The last that was used goes last, and the one that nobody uses goes first.
    if (cache.delete(key)) chars -= key.length;
    cache.set(key, known);
    chars += key.length;
    for (const oldest of cache.keys()) {
      if (chars <= charsMax) break;
      cache.delete(oldest);
      chars -= oldest.length;
    }
  };
  return {
    parse(content, references) {
      const key = JSON.stringify([content.schemaType, content.schema, references]);
      const known = cache.get(key) ?? understand(content, references);
      keep(key, known);
      return known;
    },
    differences(direction, next, previous) {
      // Both came from `parse` above.
      const [newer, older] = [(next as Known).parsed, (previous as Known).parsed];
      return directedDifferences(direction, newer, older).map(differenceMessage);
    },
  };
}

function understand(content: Content, references: readonly ResolvedReference[]): Known {
  const texts = references.map(({ name, schema }) => ({ name, text: schema }));
  const parsed = parseSchema(content.schemaType, textOf(content), texts);
  return {
    parsed,
    canonical: parsed.identity(),
    normalized: () => parsed.normalized(),
    formatted: (format) => formatted(parsed, format),
  };
}

/** Clients without a parser for `.proto` files send what theirs was compiled to. */
function textOf({ schemaType, schema }: Content): string {
  return schemaType === "PROTOBUF" && isDescriptor(schema) ? textOfDescriptor(schema) : schema;
}

function formatted(parsed: ParsedSchema, format: string): string | undefined {
  return parsed.type === "PROTOBUF" && format === "serialized" ? descriptorOf(parsed) : undefined;
}
