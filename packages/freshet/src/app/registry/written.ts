import type { SchemaJob, SchemaText } from "../../core/registry/index.ts";

type WriteJob = SchemaJob & { readonly kind: "write" };

/** What texts are kept as, the last used ones: producers send theirs again at each start, written in their own way. */
export class WrittenTexts {
  readonly #known = new Map<string, string>();
  readonly #charsMax: number;
  #chars = 0;

  constructor(charsMax: number) {
    this.#charsMax = charsMax;
  }

  /** Failures are not remembered: a thread that is busy may do better later. */
  async get(job: WriteJob, ask: () => Promise<string>): Promise<string> {
    const key = keyOf(job.text, job.isNormal);
    const written = this.#known.get(key) ?? (await ask());
    this.#put(key, written);
    return written;
  }

  /** The last that was used goes last, and the one that nobody uses goes first. */
  #put(key: string, written: string): void {
    this.#remove(key);
    this.#known.set(key, written);
    this.#chars += key.length + written.length;
    for (const oldest of this.#known.keys()) {
      if (this.#chars <= this.#charsMax) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const written = this.#known.get(key);
    if (written === undefined) return;
    this.#known.delete(key);
    this.#chars -= key.length + written.length;
  }
}

/** Each part with its length, so that no two texts have one key. */
function keyOf({ schemaType, schema, references }: SchemaText, isNormal: boolean): string {
  const parts = [schema, ...references.flatMap(({ name, schema: text }) => [name, text])];
  return [schemaType, isNormal, ...parts.map((part) => `${part.length}:${part}`)].join(" ");
}
