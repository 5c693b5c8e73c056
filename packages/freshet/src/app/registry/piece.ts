import type { SchemaText } from "../../core/registry/index.ts";

/** Cuts a run of texts, without going through more of it than is asked for: at least one in each piece. */
export function* piecesOf(
  texts: Iterable<SchemaText>,
  charsMax: number,
): Iterable<readonly SchemaText[]> {
  let piece: SchemaText[] = [];
  let chars = 0;
  for (const text of texts) {
    const more = charsOf(text);
    if (piece.length > 0 && chars + more > charsMax) {
      yield piece;
      piece = [];
      chars = 0;
    }
    piece.push(text);
    chars += more;
  }
  if (piece.length > 0) yield piece;
}

/** A text with all that it reaches, in UTF-16 units. */
export function charsOf({ schema, references }: SchemaText): number {
  return references.reduce(
    (sum, { name, schema: text }) => sum + name.length + text.length,
    schema.length,
  );
}
