import type { KnownSchema, SchemaTypes } from "../../../src/core/registry/index.ts";

/**
 * A language small enough to be judged by eye: `a b? @name` is a schema with a field that must be there, one that may
 * be missing, and the fields of the schema that it refers to as `name`. Blanks do not matter, and normalized the
 * order does not either.
 */
export interface Fields extends KnownSchema {
  readonly required: ReadonlySet<string>;
}

export const fieldLanguage: SchemaTypes = {
  parse({ schema }, references): Fields {
    const words = schema.split(/\s+/).filter((word) => word !== "");
    const texts = new Map(references.map((one) => [one.name, one.schema]));
    return {
      canonical: words.join(" "),
      normalized: () => words.toSorted().join(" "),
      formatted: (format) => (format === "upper" ? words.join(" ").toUpperCase() : undefined),
      required: new Set(requiredOf(words, texts, 0)),
    };
  },
  differences(direction, next, previous) {
    const [reader, writer] = direction === "backward" ? [next, previous] : [previous, next];
    const written = (writer as Fields).required;
    return [...(reader as Fields).required]
      .filter((field) => !written.has(field))
      .map((field) => `${direction}: "${field}" may be missing`);
  },
};

function requiredOf(
  words: readonly string[],
  texts: ReadonlyMap<string, string>,
  depth: number,
): string[] {
  if (depth > 50) throw new Error("references go in a circle");
  return words.flatMap((word) => {
    if (/^\w+\?$/.test(word)) return [];
    if (/^\w+$/.test(word)) return [word];
    const text = word.startsWith("@") ? texts.get(word.slice(1)) : undefined;
    if (text === undefined) throw new Error(`"${word}" is no field and no reference`);
    return requiredOf(text.split(" "), texts, depth + 1);
  });
}
