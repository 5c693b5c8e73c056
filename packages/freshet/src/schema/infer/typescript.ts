import type { Json, JsonObject } from "@freshet/protocol";
import { recordSchema } from "./json.ts";
import type { EventProposal, Property, Type } from "./proposal.ts";
import { keyText, quoted, remarks } from "./words.ts";

/** Proposals as builders of a plan, ready to paste. */
export function typescriptProposal(proposals: readonly EventProposal[]): string {
  const taken = new Set<string>();
  const isNested = proposals.some((one) => !isFlat(one));
  const names = isNested ? "event, jsonSchema" : "event";
  const events = proposals.map((one) => eventText(one, constantName(one.name, taken)));
  return [`import { ${names} } from ${quoted(planModule)};`, ...events].join("\n\n").concat("\n");
}

/** Where plans find the builders. */
const planModule = "freshet/plan";

/** A shape says as much as a schema where no property has insides or several types. */
function isFlat({ content }: EventProposal): boolean {
  return content.properties.every(
    ({ value }) => value.types.length <= 1 && !hasInside(value.types[0]),
  );
}

function hasInside(type: Type | undefined): boolean {
  if (type?.kind === "list") return type.items.types.length > 0;
  if (type?.kind === "map") return type.values.types.length > 0;
  return type?.kind === "record" && type.properties.length > 0;
}

function eventText(proposal: EventProposal, constant: string): string {
  const { name, notes, content } = proposal;
  const head = [...notes.map((note) => `// ${note}`), ""].join("\n");
  const start = `${head}export const ${constant} = event(${quoted(name)}, `;
  if (!isFlat(proposal)) return `${start}jsonSchema(${literal(recordSchema(content))}));`;
  const lines = content.properties.map(shapeLine);
  return lines.length === 0 ? `${start}{});` : `${start}{\n${lines.join("\n")}\n});`;
}

function shapeLine(property: Property): string {
  const said = remarks(property);
  const comment = said.length === 0 ? "" : ` // ${said.join("; ")}`;
  return `  ${keyText(property.name)}: "${kindText(property)}",${comment}`;
}

function kindText({ isRequired, value }: Property): string {
  const [type] = value.types;
  // Null stands for a property that is not there.
  const mark = isRequired && !value.isNullable ? "" : "?";
  if (type === undefined || value.isOpen) return `any${mark}`;
  return `${shapeKind(type)}${mark}`;
}

function shapeKind({ kind }: Type): string {
  return kind === "map" || kind === "record" ? "object" : kind;
}

/** A schema as an object literal; what it says in `$comment` stands above its lines. */
function literal(value: Json, indent = ""): string {
  if (Array.isArray(value))
    return `[${value.map((item: Json) => literal(item, indent)).join(", ")}]`;
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value as JsonObject).filter(([key]) => key !== "$comment");
  if (entries.length === 0) return "{}";
  const isShort = entries.every(
    ([, inside]) => typeof inside !== "object" || Array.isArray(inside),
  );
  const parts = entries.map(([key, inside]) => {
    const comment = commentOf(inside);
    const above = comment === undefined ? "" : `${indent}  // ${comment}\n`;
    const text = `${keyText(key)}: ${literal(inside ?? null, `${indent}  `)}`;
    return isShort ? text : `${above}${indent}  ${text},`;
  });
  return isShort ? `{ ${parts.join(", ")} }` : `{\n${parts.join("\n")}\n${indent}}`;
}

function commentOf(value: Json | undefined): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const comment = (value as JsonObject)["$comment"];
  return typeof comment === "string" ? comment : undefined;
}

/** "Order Completed" is `orderCompleted`. */
function constantName(text: string, taken: Set<string>): string {
  const [first = "", ...rest] = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const upper = rest.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  const name = first.slice(0, 1).toLowerCase() + first.slice(1) + upper.join("");
  const sound = /^[a-z]/.test(name) && !reserved.has(name) ? name : `event${name}`;
  let free = sound;
  for (let number = 2; taken.has(free); number++) free = `${sound}${number}`;
  taken.add(free);
  return free;
}

const reserved: ReadonlySet<string> = new Set(
  (
    "break case catch class const continue debugger default delete do else enum export extends false " +
    "finally for function if import in instanceof new null return super switch this throw true try " +
    "typeof var void while with yield await let static event implements interface package private " +
    "protected public arguments eval"
  ).split(" "),
);
