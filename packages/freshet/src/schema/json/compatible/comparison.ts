import type { Json, JsonObject } from "@freshet/protocol";
import type { Difference, Sides } from "../../difference.ts";
import { schemaLimits } from "../../limits.ts";
import { compileJson } from "../compile.ts";
import { compilePattern, type Pattern } from "../pattern.ts";
import type { JsonNode, JsonSchema } from "../schema.ts";
import { type Document, type Facts, factsOf, type Matches } from "./facts.ts";

/** Schemas that all hold for what was written, and the lists of choices that one was already taken from. */
export interface Given {
  readonly nodes: readonly JsonNode[];
  readonly used: readonly unknown[];
}

/** One question: does `node` of the reader allow everything that is `given` of the writer? */
export interface Question {
  readonly node: JsonNode;
  readonly given: Given;
  readonly path: string;
  /** Inside of a choice or a condition defaults are not filled in. */
  readonly isChoice: boolean;
}

/** A question about an object of keywords, with what is known of the writer's values. */
export interface Rule extends Question {
  readonly node: JsonObject;
  readonly facts: Facts;
}

export type Differences = readonly Difference[];

/** Two documents under comparison, and what was found out so far. */
export class Comparison {
  readonly reader: JsonSchema;
  readonly writer: JsonSchema;
  readonly sides: Sides;
  /** Asks a question about a part; see `covers`. */
  readonly ask: (question: Question) => Differences;
  readonly known = new Map<string, Differences>();
  readonly begun: string[] = [];
  readonly #ids = new WeakMap<object, number>();
  readonly #patterns = new Map<string, Pattern>();
  readonly #validators = new Map<JsonNode, (value: Json) => boolean>();
  #idNext = 0;
  steps = 0;

  constructor(
    { reader, writer }: { readonly reader: JsonSchema; readonly writer: JsonSchema },
    sides: Sides,
    ask: (question: Question, comparison: Comparison) => Differences,
  ) {
    this.reader = reader;
    this.writer = writer;
    this.sides = sides;
    this.ask = (question) => ask(question, this);
  }

  factsOfWriter({ nodes, used }: Given): Facts {
    const facts = factsOf(nodes, this.writer, used);
    // Long lists are gone through again for each question.
    for (const group of facts.groups) this.steps += group.length / groupPerStep;
    this.steps += facts.all.length / groupPerStep;
    return facts;
  }

  factsOf(nodes: readonly JsonNode[], side: Document): Facts {
    return factsOf(nodes, side);
  }

  readonly matches: Matches = (pattern, name) => {
    let known = this.#patterns.get(pattern);
    if (known === undefined) {
      known = compilePattern(pattern);
      this.#patterns.set(pattern, known);
    }
    return known.test(name);
  };

  /** Whether the reader's subschema allows a value. */
  allows(node: JsonNode, value: Json): boolean {
    let validate = this.#validators.get(node);
    if (validate === undefined) {
      // Each compilation costs a millisecond or so: they are steps too.
      this.steps += compileSteps;
      const compiled = compileJson(this.reader, {}, node);
      validate = (one) => compiled.validate(one);
      this.#validators.set(node, validate);
    }
    return validate(value);
  }

  keyOf({ node, given, isChoice }: Question): string {
    const nodes = given.nodes.map((one) => this.#idOf(one)).sort();
    const used = given.used.map((one) => this.#idOf(one));
    return `${this.#idOf(node)}|${nodes.join()}|${used.join()}|${isChoice}`;
  }

  #idOf(part: unknown): string {
    if (typeof part !== "object" || part === null) return String(part);
    let id = this.#ids.get(part);
    if (id === undefined) {
      id = this.#idNext++;
      this.#ids.set(part, id);
    }
    return String(id);
  }

  get isSpent(): boolean {
    return this.steps > schemaLimits.comparisonStepsMax;
  }

  /** How a side is called in messages. */
  get readerName(): string {
    return `the ${this.sides.reader} schema`;
  }

  get writerName(): string {
    return `the ${this.sides.writer} schema`;
  }
}

const compileSteps = 200;
const groupPerStep = 16;

export function difference(kind: string, path: string, reason: string, info = ""): Difference {
  return { kind, path, reason, info };
}
