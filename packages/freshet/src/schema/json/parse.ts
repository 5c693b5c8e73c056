import { schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { SchemaReference } from "../schema.ts";
import { checkTexts, parseJson, sortedJson } from "../text.ts";
import { compileJson, metaProblem } from "./compile.ts";
import { openDocuments } from "./document.ts";
import { checkInPlace } from "./in-place.ts";
import type { Draft, JsonNode, JsonSchema } from "./schema.ts";

/** Parses a JSON Schema of the drafts 4 to 2020-12; one that names no draft is of draft 7. */
export function parseJsonSchema(text: string, references: readonly SchemaReference[]): JsonSchema {
  checkTexts(text, references);
  const documents = openDocuments(text, references);
  const { root } = documents;
  checkInPlace(documents);
  const schema: JsonSchema = {
    type: "JSON",
    text,
    references,
    draft: draftOf(root),
    root,
    documents,
    identity: () => JSON.stringify(root),
    normalized: () => sortedJson(parseJson(text)),
  };
  const problem = metaProblem(schema);
  if (problem !== undefined) throw schemaInvalid(problem);
  if (documents.nodes > schemaLimits.compiledAtOnceMax) compileJson(schema);
  return schema;
}

function draftOf(root: JsonNode): Draft {
  const named = typeof root === "object" ? root["$schema"] : undefined;
  if (named === undefined) return "7";
  if (typeof named !== "string") throw schemaInvalid('"$schema" is not a text');
  const draft = drafts.get(named.replace(/#$/, "").replace(/^https?:/, ""));
  if (draft !== undefined) return draft;
  throw schemaInvalid(`"$schema" is "${named.slice(0, 200)}", expected one of drafts 4 to 2020-12`);
}

const drafts: ReadonlyMap<string, Draft> = new Map<string, Draft>([
  ["//json-schema.org/draft-04/schema", "4"],
  ["//json-schema.org/schema", "2020-12"],
  ["//json-schema.org/draft-06/schema", "6"],
  ["//json-schema.org/draft-07/schema", "7"],
  ["//json-schema.org/draft/2019-09/schema", "2019-09"],
  ["//json-schema.org/draft/2020-12/schema", "2020-12"],
]);
