import { RegistryError } from "./error.ts";
import type { Direction } from "./level.ts";
import type { KnownSchema, ResolvedReference, SchemaContent, SchemaTypes } from "./schema.ts";

/** A text with all that it reaches, each before those that use it. */
export interface SchemaText extends Pick<SchemaContent, "schemaType" | "schema"> {
  readonly references: readonly ResolvedReference[];
}

/**
 * What has to be understood of schemas, as data. It takes as long as whoever wrote the schemas wants it to, so it is
 * done where nothing waits for it.
 */
export type SchemaJob =
  /** The text as it is kept. What is kept already comes back as it is. */
  | { readonly kind: "write"; readonly text: SchemaText; readonly isNormal: boolean }
  /** The text in another form; null where its type has no such form. */
  | { readonly kind: "format"; readonly text: SchemaText; readonly format: string }
  /** The first of `previous` whose place `next` could not take, and why; null where it could take each. */
  | {
      readonly kind: "compare";
      readonly next: SchemaText;
      /** Gone through once, and no further than to the answer. */
      readonly previous: Iterable<SchemaText>;
      readonly directions: readonly Direction[];
    };

export interface SchemaJobAnswers {
  readonly write: string;
  readonly format: string | null;
  readonly compare: { readonly index: number; readonly reasons: readonly string[] } | null;
}

/**
 * Who does these jobs. A job depends on nothing but what is in it; many may be asked for at once. Rejects with
 * RegistryError: `schemaInvalid` where a text is not understood, `schemaTooLarge` where that took too long or too
 * much memory, `operationTimeout` where there is no room for one more.
 */
export interface SchemaWork {
  run<Kind extends SchemaJob["kind"]>(
    job: SchemaJob & { readonly kind: Kind },
  ): Promise<SchemaJobAnswers[Kind]>;
}

/** Does a job here and now. Throws `schemaInvalid`. */
export function doSchemaJob<Kind extends SchemaJob["kind"]>(
  types: SchemaTypes,
  job: SchemaJob & { readonly kind: Kind },
): SchemaJobAnswers[Kind] {
  // Each case below gives the answer of its own kind.
  return answerOf(types, job) as SchemaJobAnswers[Kind];
}

function answerOf(types: SchemaTypes, job: SchemaJob): SchemaJobAnswers[SchemaJob["kind"]] {
  switch (job.kind) {
    case "write": {
      const known = understand(types, job.text);
      return job.isNormal ? known.normalized() : known.canonical;
    }
    case "format":
      return understand(types, job.text).formatted(job.format) ?? null;
    case "compare": {
      let index = 0;
      for (const previous of job.previous) {
        const reasons = reasonsAgainst(types, job, previous);
        if (reasons.length > 0) return { index, reasons };
        index++;
      }
      return null;
    }
  }
}

function reasonsAgainst(
  types: SchemaTypes,
  { next, directions }: SchemaJob & { readonly kind: "compare" },
  previous: SchemaText,
): string[] {
  if (previous.schemaType !== next.schemaType)
    return ["Incompatible because of different schema type"];
  const [newer, older] = [understand(types, next), understand(types, previous)];
  return directions.flatMap((direction) => types.differences(direction, newer, older));
}

function understand(types: SchemaTypes, text: SchemaText): KnownSchema {
  try {
    return types.parse(text, text.references);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Invalid schema of type ${text.schemaType}, details: ${why}`;
    throw new RegistryError("schemaInvalid", message, { cause });
  }
}

/** Does each job where it is asked for, for tools that nobody waits beside. */
export function workHere(types: SchemaTypes): SchemaWork {
  return {
    async run<Kind extends SchemaJob["kind"]>(job: SchemaJob & { readonly kind: Kind }) {
      return doSchemaJob<Kind>(types, job);
    },
  };
}
