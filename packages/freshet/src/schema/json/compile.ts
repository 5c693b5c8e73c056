import type { Json } from "@freshet/protocol";
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import AjvDraft4 from "ajv-draft-04";
import { fullFormats } from "ajv-formats/dist/formats.js";
import { schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import { sortedJson } from "../text.ts";
import { bundle, stepKeyword } from "./bundle.ts";
import { compilePattern } from "./pattern.ts";
import type { Draft, JsonNode, JsonSchema } from "./schema.ts";

/** A compiled schema. Validation that takes too many steps ends as "not valid", with `isCut` set. */
export interface JsonValidator {
  validate(value: Json): boolean;
  readonly errors: readonly ErrorObject[];
  readonly isCut: boolean;
}

export interface CompileOptions {
  /** Collects every error, not only the first. */
  readonly allErrors?: boolean;
}

/** Compiles a schema or one of its subschemas. Throws `schemaInvalid`. */
export function compileJson(
  schema: JsonSchema,
  { allErrors = false }: CompileOptions = {},
  node: JsonNode = schema.root,
): JsonValidator {
  const steps: Steps = { left: 0 };
  // The optimizer's time grows with the square of a schema's size.
  const code = {
    ...options.code,
    optimize: schema.documents.nodes <= schemaLimits.compiledAtOnceMax,
  };
  const ajv = ajvOf(schema.draft, { ...options, code, allErrors, validateSchema: false }, steps);
  let run: ValidateFunction;
  try {
    run = ajv.compile(bundle(node, schema.documents, schema.draft));
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw schemaInvalid(`the schema cannot be compiled: ${said.slice(0, 300)}`, error);
  }
  let isCut = false;
  return {
    validate(value) {
      steps.left = schemaLimits.validationStepsMax;
      isCut = false;
      try {
        return run(value);
      } catch (error) {
        // The stack of a value that is nested too deep ends in a RangeError.
        if (!(error instanceof StepsSpent) && !(error instanceof RangeError)) throw error;
        isCut = true;
        return false;
      }
    },
    get errors() {
      return isCut ? [] : (run.errors ?? []);
    },
    get isCut() {
      return isCut;
    },
  };
}

/** What the draft's own schema says against a schema; undefined where it is fine. */
export function metaProblem(schema: JsonSchema): string | undefined {
  const ajv = metaOf(schema.draft);
  const bundled = bundle(schema.root, schema.documents, schema.draft);
  if (ajv.validateSchema(bundled) === true) return undefined;
  const [first] = ajv.errors ?? [];
  return `the schema is not of draft ${schema.draft}: "${first?.instancePath ?? ""}" ${first?.message ?? "is wrong"}`;
}

/** The drafts' own schemas take ten milliseconds to compile, and hold nothing of ours. */
const metas = new Map<Draft, Ajv>();

function metaOf(draft: Draft): Ajv {
  const known = metas.get(draft);
  if (known !== undefined) return known;
  const made = ajvOf(draft, options, { left: Number.POSITIVE_INFINITY });
  metas.set(draft, made);
  return made;
}

/** `ownProperties`: a property named like one of `Object.prototype` must really be there. */
const options = {
  ownProperties: true,
  strict: false,
  logger: false,
  allowUnionTypes: true,
  // Formats are ours, below.
  validateFormats: true,
  code: { regExp: Object.assign(compilePattern, { code: "compilePattern" }) as never },
} satisfies Options;

interface Steps {
  left: number;
}

class StepsSpent extends Error {}

function ajvOf(draft: Draft, own: Options, steps: Steps): Ajv {
  const ajv = newAjv(draft, own);
  for (const [name, format] of Object.entries(fullFormats)) {
    if (name !== "regex") ajv.addFormat(name, boundedFormat(format));
  }
  ajv.addFormat("regex", true);
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    validate: isUnique,
  });
  ajv.addKeyword({
    keyword: stepKeyword,
    // After it, a reference that fails would not be counted.
    before: "$ref",
    validate: () => {
      if (--steps.left < 0) throw new StepsSpent();
      return true;
    },
    errors: false,
  });
  return ajv;
}

function newAjv(draft: Draft, own: Options): Ajv {
  switch (draft) {
    case "4":
      return new AjvDraft4.default(own as never) as unknown as Ajv;
    case "6":
    case "7":
      return new Ajv(own);
    case "2019-09":
      return new Ajv2019(own) as unknown as Ajv;
    case "2020-12":
      return new Ajv2020(own) as unknown as Ajv;
  }
}

type Format = (typeof fullFormats)[keyof typeof fullFormats];

/** The library's formats are regular expressions, some of them long: they only see texts of a sensible length. */
function boundedFormat(format: Format): Format {
  if (format === true || typeof format === "string") return format;
  const isNumber = typeof format === "object" && "type" in format && format.type === "number";
  if (isNumber) return format;
  const test = testOf(format);
  return (text: string) => text.length <= schemaLimits.formatCharsMax && test(text);
}

function testOf(format: Exclude<Format, boolean | string>): (text: string) => boolean {
  if (format instanceof RegExp) return (text) => format.test(text);
  if (typeof format === "function") return (text) => format(text) === true;
  const inside = format.validate as unknown;
  if (inside instanceof RegExp) return (text) => inside.test(text);
  if (typeof inside === "function") return (text) => inside(text) === true;
  return () => true;
}

/** In linear time; the library compares each with each. */
function isUnique(wanted: boolean, list: readonly Json[]): boolean {
  if (!wanted) return true;
  const seen = new Set<string>();
  for (const item of list) {
    const text = sortedJson(item);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}
