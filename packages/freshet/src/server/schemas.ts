/**
 * What the ids of messages stand for: schemas of the registry, compiled. The registry is a port and may be far away.
 *
 * - W1 an id is asked for once at a time, whoever waits for it. What it stands for never changes (R1 of the port), and is
 *   kept.
 * - W2 at most `schemasMax` are kept, of `schemaCharsMax` characters together; the one that was used longest ago goes first.
 * - W3 that an id is unknown is believed for `schemaUnknownMs` only: it may be registered at any moment.
 * - W4 at most `schemaLookupsMax` questions are under way, and `schemaLookupsWaitingMax` wait; past it clients come later.
 * - W5 where the registry does not answer within `schemaWaitMsMax`, nothing is known and nothing of the request is kept:
 *   its client has its events still.
 */

import { FreshetError } from "@freshet/protocol";
import type { SchemaFault, SchemaTable } from "../accept/index.ts";
import type { SchemaContent } from "../core/registry/index.ts";
import { RegistryError } from "../core/registry/index.ts";
import type { Clock } from "../engine/port/clock.ts";
import { RegistryUnavailableError } from "../engine/port/errors.ts";
import type { SchemaRegistry } from "../engine/port/schema-registry.ts";
import {
  type ParsedSchema,
  type PayloadReader,
  parseSchema,
  payloadReaderOf,
} from "../schema/index.ts";
import { isDescriptor, textOfDescriptor } from "../schema/protobuf/descriptor.ts";
import type { SchemaLookup } from "../telemetry/index.ts";
import type { ServerLimits } from "./limits.ts";

type SchemasLimits = Pick<
  ServerLimits,
  | "schemasMax"
  | "schemaCharsMax"
  | "schemaUnknownMs"
  | "schemaWaitMsMax"
  | "schemaLookupsMax"
  | "schemaLookupsWaitingMax"
>;

export interface SchemasOptions {
  /** Without one, no id is known. */
  readonly registry: Pick<SchemaRegistry, "find" | "references"> | undefined;
  readonly clock: Clock;
  readonly limits: SchemasLimits;
  /** Told of every question to the registry, once it has ended. */
  readonly onLookup?: (outcome: SchemaLookup) => void;
}

interface Known {
  readonly entry: PayloadReader | SchemaFault;
  readonly chars: number;
  /** When it is asked for again; never where it stands for good. */
  readonly until: number;
}

export class Schemas implements SchemaTable {
  readonly #registry: SchemasOptions["registry"];
  readonly #clock: Clock;
  readonly #limits: SchemasLimits;
  readonly #onLookup: (outcome: SchemaLookup) => void;
  /** The last used goes last. */
  readonly #known = new Map<number, Known>();
  readonly #asked = new Map<number, Promise<Known>>();
  readonly #waiting: (() => void)[] = [];
  #chars = 0;
  #running = 0;

  constructor({ registry, clock, limits, onLookup }: SchemasOptions) {
    this.#registry = registry;
    this.#clock = clock;
    this.#limits = limits;
    this.#onLookup = onLookup ?? (() => {});
  }

  /** What is known at this moment. */
  get(id: number): PayloadReader | SchemaFault | undefined {
    return this.#fresh(id)?.entry;
  }

  /**
   * All of these ids, to be held on to while a request is read. Rejects with `registryUnavailable` where one of them cannot
   * be asked for (W5).
   */
  async load(ids: readonly number[]): Promise<SchemaTable> {
    const found = new Map<number, PayloadReader | SchemaFault>();
    const missing = ids.filter((id) => {
      const known = this.#fresh(id);
      if (known !== undefined) found.set(id, known.entry);
      return known === undefined;
    });
    if (missing.length === 0) return found;
    const asked = Promise.all(missing.map((id) => this.#askOnce(id)));
    for (const [index, { entry }] of (await this.#inTime(asked)).entries())
      found.set(missing[index] ?? -1, entry);
    return found;
  }

  /** What comes later is kept all the same, and known when the client sends again. */
  async #inTime<Result>(work: Promise<Result>): Promise<Result> {
    let cancel = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      const end = () => reject(unavailable("the schema registry did not answer in time"));
      cancel = this.#clock.after(this.#limits.schemaWaitMsMax, end);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }

  #fresh(id: number): Known | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    if (known.until <= this.#clock.now()) {
      this.#drop(id, known);
      return undefined;
    }
    this.#known.delete(id);
    this.#known.set(id, known);
    return known;
  }

  #askOnce(id: number): Promise<Known> {
    const running = this.#asked.get(id);
    if (running !== undefined) return running;
    const question = this.#ask(id)
      .then((known) => this.#keep(id, known))
      .finally(() => this.#asked.delete(id));
    this.#asked.set(id, question);
    question.then(
      ({ entry }) => this.#onLookup(outcomeOf(entry)),
      () => this.#onLookup("failed"),
    );
    return question;
  }

  async #ask(id: number): Promise<Known> {
    const registry = this.#registry;
    if (registry === undefined) return this.#passing(unknown(id));
    await this.#turn();
    try {
      const content = await registry.find(id);
      const references = await registry.references(content);
      const texts = references.map(({ name, schema }) => ({ name, text: schema }));
      const chars = texts.reduce((sum, { text }) => sum + text.length, content.schema.length);
      const entry = compiled(id, () => parseSchema(content.schemaType, textOf(content), texts));
      return { entry, chars, until: Number.POSITIVE_INFINITY };
    } catch (error) {
      if (error instanceof RegistryError) return this.#passing(faultOf(id, error));
      if (error instanceof RegistryUnavailableError) throw unavailable(error.message, error);
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Keeps W4. Who waited takes the place of the one that ended. */
  async #turn(): Promise<void> {
    const { schemaLookupsMax, schemaLookupsWaitingMax } = this.#limits;
    if (this.#running < schemaLookupsMax) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= schemaLookupsWaitingMax)
      throw unavailable("too many schemas are asked for at once");
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #passing(entry: SchemaFault): Known {
    return { entry, chars: 0, until: this.#clock.now() + this.#limits.schemaUnknownMs };
  }

  /** Keeps W2. */
  #keep(id: number, known: Known): Known {
    this.#known.set(id, known);
    this.#chars += known.chars;
    for (const [oldest, one] of this.#known) {
      const { schemasMax, schemaCharsMax } = this.#limits;
      if (this.#known.size <= schemasMax && this.#chars <= schemaCharsMax) break;
      this.#drop(oldest, one);
    }
    return known;
  }

  #drop(id: number, { chars }: Known): void {
    if (this.#known.delete(id)) this.#chars -= chars;
  }
}

/** A registry of others may have schemas that are none here. */
function compiled(id: number, parse: () => ParsedSchema): PayloadReader | SchemaFault {
  try {
    return payloadReaderOf(parse());
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    return unusable(id, error.message);
  }
}

/** Clients without a parser for `.proto` files register what theirs was compiled to. */
function textOf({ schemaType, schema }: SchemaContent): string {
  return schemaType === "PROTOBUF" && isDescriptor(schema) ? textOfDescriptor(schema) : schema;
}

/** A schema that is there may refer to one that is not there any more. */
function faultOf(id: number, { kind, message }: RegistryError): SchemaFault {
  return kind === "schemaNotFound" ? unknown(id) : unusable(id, message);
}

function outcomeOf(entry: PayloadReader | SchemaFault): SchemaLookup {
  if (entry.type !== "fault") return "found";
  return entry.code === "schemaUnknown" ? "unknown" : "unusable";
}

function unknown(id: number): SchemaFault {
  return { type: "fault", code: "schemaUnknown", message: `the registry has no schema ${id}` };
}

function unusable(id: number, why: string): SchemaFault {
  const message = `the schema ${id} of the registry cannot be used: ${why}`;
  return { type: "fault", code: "schemaInvalid", message };
}

function unavailable(message: string, cause?: unknown): FreshetError {
  return new FreshetError("registryUnavailable", message, cause === undefined ? {} : { cause });
}
