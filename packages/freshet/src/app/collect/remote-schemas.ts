import { RegistryError } from "../../core/registry/index.ts";
import type { ResolvedReference, SchemaContent } from "../../core/registry/schema.ts";
import { RegistryUnavailableError } from "../../engine/port/errors.ts";
import type { SchemaRegistry } from "../../engine/port/schema-registry.ts";
import { problemOf, type SchemaAnswer } from "./message.ts";

type Finding = Pick<SchemaRegistry, "find" | "references">;

/** The registry port of a collector: one question brings a schema and all that it refers to. */
export class RemoteSchemas implements Finding {
  readonly #ask: (schemaId: number) => Promise<SchemaAnswer>;
  readonly #references = new WeakMap<SchemaContent, readonly ResolvedReference[]>();

  constructor(ask: (schemaId: number) => Promise<SchemaAnswer>) {
    this.#ask = ask;
  }

  async find(id: number): Promise<SchemaContent> {
    const answer = await this.#ask(id);
    if ("refused" in answer) throw new RegistryError(answer.refused.kind, answer.refused.message);
    if ("unavailable" in answer) {
      const { message, hint = "" } = answer.unavailable;
      throw new RegistryUnavailableError({ message, hint });
    }
    this.#references.set(answer.content, answer.references);
    return answer.content;
  }

  /** Of what `find` gave. */
  async references(content: SchemaContent): Promise<readonly ResolvedReference[]> {
    const known = this.#references.get(content);
    if (known === undefined) throw new Error("references of a schema that was not found here");
    return known;
  }
}

/** The other half, in the thread that has the registry. */
export async function answerOf(registry: Finding, schemaId: number): Promise<SchemaAnswer> {
  try {
    const content = await registry.find(schemaId);
    return { content, references: await registry.references(content) };
  } catch (error) {
    if (error instanceof RegistryError)
      return { refused: { kind: error.kind, message: error.message } };
    return { unavailable: problemOf(error) };
  }
}
