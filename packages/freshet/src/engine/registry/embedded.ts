import {
  apply,
  decide,
  emptyRegistry,
  findRegistered,
  type RegistryAnswers,
  type RegistryChange,
  type RegistryCommand,
  RegistryError,
  type RegistryReader,
  type RegistryState,
  type ResolvedReference,
  resolveReferences,
  type SchemaContent,
  type SchemaTypes,
  schemaOf,
  subjectOf,
} from "../../core/registry/index.ts";
import type { TextCodec } from "../outbox.ts";
import type { SchemaRegistry, SubjectSchema } from "../port/schema-registry.ts";
import type { StateStore } from "../port/state-store.ts";
import { changeOf, rowOf } from "./row.ts";

export interface EmbeddedRegistryOptions {
  /** A store of its own: a checkpoint of the engine must not hold up a registration, nor the other way round. */
  readonly store: StateStore;
  readonly text: TextCodec;
  readonly types: SchemaTypes;
}

/**
 * The registry on a state store: `core/registry` decides, this makes it durable.
 *
 * - D1 a command is answered when its changes are on disk, all of them or none.
 * - D2 commands are decided one after another, each over what those before it leave.
 * - D3 readers see what is on disk and nothing else, so that an id that was seen is not given to another schema
 *   after a crash.
 * - D4 commands that come while one is written share the next write: a disk that syncs slowly costs them one sync.
 */
export class EmbeddedRegistry implements SchemaRegistry {
  readonly #options: EmbeddedRegistryOptions;
  /** What is on disk. */
  readonly #state: RegistryState;
  /** The same with what is being written, which is what commands are decided over. */
  #draft: RegistryState;
  #queue: Waiting[] = [];
  #writing: Promise<void> | null = null;

  /** Reads the store, and throws where it holds what no registry has written. */
  constructor(options: EmbeddedRegistryOptions) {
    this.#options = options;
    this.#state = this.#read();
    this.#draft = this.#read();
    checkWhole(this.#state);
  }

  /** To look at, never to change. */
  get state(): RegistryReader {
    return this.#state;
  }

  get types(): SchemaTypes {
    return this.#options.types;
  }

  /** Rejects with RegistryError where the command is refused, of kind `store` where it could not be written. */
  execute<Kind extends RegistryCommand["kind"]>(
    command: RegistryCommand & { readonly kind: Kind },
  ): Promise<RegistryAnswers[Kind]> {
    if (this.#queue.length >= commandsMax)
      return Promise.reject(new RegistryError("store", "too many changes of the registry wait"));
    return new Promise((resolve, reject) => {
      const run = () => {
        const { changes, answer } = decide<Kind>(this.#draft, this.#options.types, command);
        return { changes, settle: () => resolve(answer) };
      };
      this.#queue.push({ run, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    // Those of the same turn come along.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#write(this.#queue.splice(0, commandsOfWriteMax));
    // In the same turn as the queue was seen empty, or a command that comes between would wait for ever.
    this.#writing = null;
  }

  /** One write for several commands (D4). Where it fails all of them do, as each may rest on one before it. */
  async #write(batch: readonly Waiting[]): Promise<void> {
    const { store, text } = this.#options;
    const changes: RegistryChange[] = [];
    const outcomes = batch.map((waiting) => {
      try {
        const decided = waiting.run();
        apply(this.#draft, decided.changes);
        changes.push(...decided.changes);
        return decided.settle;
      } catch (error) {
        return () => waiting.reject(error);
      }
    });
    try {
      if (changes.length > 0) await store.commit(changes.map((change) => rowOf(change, text)));
    } catch (cause) {
      this.#draft = this.#read();
      const message = "Error while writing the registry to the disk";
      for (const { reject } of batch) reject(new RegistryError("store", message, { cause }));
      return;
    }
    apply(this.#state, changes);
    for (const settle of outcomes) settle();
  }

  #read(): RegistryState {
    const { store, text } = this.#options;
    const state = emptyRegistry();
    for (const [key, value] of store.scan("registry", {}))
      apply(state, [changeOf(key, text.decode(value))]);
    return state;
  }

  async find(id: number): Promise<SchemaContent> {
    return schemaOf(this.#state, id);
  }

  async latest(subject: string): Promise<SubjectSchema> {
    return findRegistered(this.#state, subjectOf(subject), "latest", "live");
  }

  async version(subject: string, version: number): Promise<SubjectSchema> {
    return findRegistered(this.#state, subjectOf(subject), version, "live");
  }

  async register(subject: string, content: SchemaContent): Promise<number> {
    const command = {
      kind: "register",
      subject: subjectOf(subject),
      request: { ...content, normalize: false },
    } as const;
    return (await this.execute(command)).id;
  }

  async references(content: SchemaContent): Promise<readonly ResolvedReference[]> {
    return resolveReferences(this.#state, content);
  }

  /** Resolves when nothing is written any more. The store is the caller's. */
  async close(): Promise<void> {
    await this.#writing;
  }
}

interface Waiting {
  /** Decides over the draft; `settle` gives the answer. */
  run(): { readonly changes: readonly RegistryChange[]; settle(): void };
  reject(error: unknown): void;
}

/** Commands that may wait for one another; each holds a request's body. */
const commandsMax = 1000;

/** Between writes others have the processor: a decision may compare a schema with a thousand versions. */
const commandsOfWriteMax = 50;

/** Every version has its schema, and every schema a version (G2): what is read must never be missing later. */
function checkWhole(state: RegistryReader): void {
  for (const [subject, versions] of state.subjects)
    for (const { version, id } of versions)
      if (!state.schemas.has(id))
        throw new Error(
          `the registry has no schema ${id}, which is version ${version} of ${subject}`,
        );
  for (const id of state.schemas.keys())
    if (!state.places.has(id)) throw new Error(`the registry has schema ${id}, which nothing uses`);
  for (const id of state.schemas.keys())
    if (id >= state.nextId) throw new Error(`the registry would give id ${id} a second time`);
}
