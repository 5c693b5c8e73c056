import {
  apply,
  decide,
  emptyRegistry,
  findRegistered,
  lookUp,
  type RegistryAnswers,
  type RegistryChange,
  type RegistryCommand,
  RegistryError,
  type RegistryReader,
  type RegistryState,
  type ResolvedReference,
  registryFaults,
  registryLimits,
  resolveReferences,
  type SchemaContent,
  type SchemaWork,
  schemaOf,
  subjectOf,
} from "../../core/registry/index.ts";
import type { TextCodec } from "../outbox.ts";
import type { Clock } from "../port/clock.ts";
import type { SchemaLookUp, SchemaRegistry, SubjectSchema } from "../port/schema-registry.ts";
import type { StateStore } from "../port/state-store.ts";
import { changeOf, rowOf } from "./row.ts";

export interface EmbeddedRegistryOptions {
  /** A store of its own: a checkpoint of the engine must not hold up a registration, nor the other way round. */
  readonly store: StateStore;
  readonly text: TextCodec;
  /** Who understands schemas; the caller's to close. */
  readonly work: SchemaWork;
  readonly clock: Clock;
}

/**
 * The registry on a state store: `core/registry` decides, this makes it durable.
 *
 * - D1 a command is answered when its changes are on disk, all of them or none.
 * - D2 commands are decided one after another, each over what those before it leave.
 * - D3 readers see what is on disk and nothing else, so that an id that was seen is not given to another schema
 *   after a crash.
 * - D4 commands that come while one is written share the next write: a disk that syncs slowly costs them one sync.
 * - D5 deciding may wait for somebody who understands schemas; nothing is written meanwhile, as what is decided rests
 *   on the draft. One slow schema holds up the commands behind it, and at most one write before it, for as long as its
 *   check may take.
 */
export class EmbeddedRegistry implements SchemaRegistry, SchemaLookUp {
  readonly #options: EmbeddedRegistryOptions;
  /** What is on disk. */
  readonly #state: RegistryState;
  /** The same with what is being written, which is what commands are decided over. */
  #draft: RegistryState;
  #queue: Waiting[] = [];
  #writing: Promise<void> | null = null;

  /** Reads the store, and throws where it holds what no registry has written: what is read must be there later. */
  constructor(options: EmbeddedRegistryOptions) {
    this.#options = options;
    this.#state = this.#read();
    this.#draft = this.#read();
    const [fault] = registryFaults(this.#state);
    if (fault !== undefined) throw new Error(fault);
  }

  /** To look at, never to change. */
  get state(): RegistryReader {
    return this.#state;
  }

  get work(): SchemaWork {
    return this.#options.work;
  }

  /** Rejects with RegistryError where the command is refused, of kind `store` where it could not be written. */
  execute<Kind extends RegistryCommand["kind"]>(
    command: RegistryCommand & { readonly kind: Kind },
  ): Promise<RegistryAnswers[Kind]> {
    if (this.#queue.length >= commandsMax)
      return Promise.reject(
        new RegistryError("operationTimeout", "Operation timed out: too many changes wait"),
      );
    return new Promise((resolve, reject) => {
      const run = async () => {
        const { changes, answer } = await decide<Kind>(this.#draft, this.work, command);
        return { changes, settle: () => resolve(answer) };
      };
      this.#queue.push({ run, reject, since: this.#options.clock.now() });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    // Those of the same turn come along.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#write(await this.#decideSome());
    // In the same turn as the queue was seen empty, or a command that comes between would wait for ever.
    this.#writing = null;
  }

  /** Decides the next commands, one after another (D2), and makes the draft what they make of it. */
  async #decideSome(): Promise<Decided> {
    const { clock } = this.#options;
    const until = clock.now() + registryLimits.decideMsMax;
    const decided: Decided = { changes: [], outcomes: [], rejects: [] };
    do {
      const waiting = this.#queue.shift();
      if (waiting === undefined) break;
      decided.rejects.push(waiting.reject);
      decided.outcomes.push(await this.#decideOne(waiting, decided.changes));
    } while (decided.outcomes.length < commandsOfWriteMax && clock.now() < until);
    return decided;
  }

  async #decideOne(waiting: Waiting, changes: RegistryChange[]): Promise<() => void> {
    try {
      if (this.#options.clock.now() - waiting.since > registryLimits.commandWaitMsMax)
        throw new RegistryError("operationTimeout", "Operation timed out: others were before it");
      const decided = await waiting.run();
      apply(this.#draft, decided.changes);
      changes.push(...decided.changes);
      return decided.settle;
    } catch (error) {
      return () => waiting.reject(error);
    }
  }

  /** One write for several commands (D4). Where it fails all of them do, as each may rest on one before it. */
  async #write({ changes, outcomes, rejects }: Decided): Promise<void> {
    const { store, text } = this.#options;
    try {
      if (changes.length > 0) await store.commit(changes.map((change) => rowOf(change, text)));
    } catch (cause) {
      this.#draft = this.#read();
      const message = "Error while writing the registry to the disk";
      for (const reject of rejects) reject(new RegistryError("store", message, { cause }));
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

  async lookUp(subject: string, content: SchemaContent): Promise<SubjectSchema> {
    const request = { ...content, normalize: false };
    return lookUp(this.#state, this.work, subjectOf(subject), { request, include: "live" });
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
  run(): Promise<{ readonly changes: readonly RegistryChange[]; settle(): void }>;
  reject(error: unknown): void;
  readonly since: number;
}

/** Commands that go to the disk together. */
interface Decided {
  readonly changes: RegistryChange[];
  /** Each gives one command its answer or its refusal. */
  readonly outcomes: (() => void)[];
  readonly rejects: ((error: unknown) => void)[];
}

/** Commands that may wait for one another; each holds a request's body. */
const commandsMax = 1000;

/** One write of the largest schemas stays below 32 MiB. */
const commandsOfWriteMax = 50;
