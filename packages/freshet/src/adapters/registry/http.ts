/**
 * The registry port over the REST API that Confluent's registry, and those that speak as it does, serve.
 *
 * - H1 what cannot change is asked for once: schemas by id, versions by number, registrations that were made.
 * - H2 a call ends within `callMsMax`, retries and all.
 * - H3 after `breakerFailures` failures in a row nothing is asked for `breakerMs`, then one call at a time.
 * - H4 the password goes into the Basic header and nowhere else.
 */

import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import { Agent, type Dispatcher, request } from "undici";
import {
  guidOf,
  RegistryError,
  type ResolvedReference,
  registryLimits,
  type SchemaContent,
} from "../../core/registry/index.ts";
import {
  afterFailure,
  type Breaker,
  type BreakerLimits,
  closedBreaker,
  roomOf,
} from "../../engine/dispatcher-breaker.ts";
import type { Clock } from "../../engine/port/clock.ts";
import { RegistryUnavailableError } from "../../engine/port/errors.ts";
import type {
  SchemaLookUp,
  SchemaRegistry,
  SubjectSchema,
} from "../../engine/port/schema-registry.ts";
import { refusalOf, schemaAnswer, versionAnswer } from "./http-answer.ts";
import { Memory } from "./memory-of-answers.ts";

export interface HttpRegistryOptions {
  /** http or https, with a path where the registry has one. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly clock: Clock;
  /** 0 (included) to 1 (excluded): spreads retries. */
  readonly random: () => number;
  /** The HTTP client; one of its own unless given. A given one stays the caller's. */
  readonly client?: Dispatcher;
  readonly limits?: Partial<HttpRegistryLimits>;
}

export interface HttpRegistryLimits extends BreakerLimits {
  /** One attempt, from its start to the end of the answer. */
  readonly attemptMsMax: number;
  /** One call with all its attempts. */
  readonly callMsMax: number;
  readonly attemptsMax: number;
  /** Before the second attempt; twice as long before each further one, and up to half of it at random. */
  readonly retryMs: number;
  readonly answerBytesMax: number;
  /** Answers that are remembered, of each kind. */
  readonly rememberedMax: number;
}

export const httpRegistryLimits: HttpRegistryLimits = {
  attemptMsMax: 5000,
  callMsMax: 10_000,
  attemptsMax: 4,
  retryMs: 100,
  answerBytesMax: 4 * 1024 * 1024,
  rememberedMax: 5000,
  breakerFailures: 5,
  breakerMs: 5000,
};

/** Throws where the address cannot be used. */
export function httpRegistry(options: HttpRegistryOptions): SchemaRegistry & SchemaLookUp {
  return new HttpRegistry(options);
}

class HttpRegistry implements SchemaRegistry, SchemaLookUp {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #limits: HttpRegistryLimits;
  readonly #own: Agent | null;
  readonly #client: Dispatcher;
  readonly #schemas: Memory<number, SchemaContent>;
  readonly #versions: Memory<string, SubjectSchema>;
  readonly #registered: Memory<string, number>;
  #breaker: Breaker = closedBreaker;
  #running = 0;
  #isClosed = false;

  constructor(options: HttpRegistryOptions) {
    const { user, password } = options;
    this.#base = baseOf(options.url);
    this.#headers = {
      accept: "application/vnd.schemaregistry.v1+json",
      "content-type": "application/vnd.schemaregistry.v1+json",
      ...(password === undefined && user === undefined
        ? {}
        : { authorization: basic(user ?? "", password ?? "") }),
    };
    this.#clock = options.clock;
    this.#random = options.random;
    this.#limits = { ...httpRegistryLimits, ...options.limits };
    this.#own = options.client === undefined ? new Agent() : null;
    this.#client = options.client ?? (this.#own as Agent);
    this.#schemas = new Memory(this.#limits.rememberedMax);
    this.#versions = new Memory(this.#limits.rememberedMax);
    this.#registered = new Memory(this.#limits.rememberedMax);
  }

  find(id: number): Promise<SchemaContent> {
    return this.#schemas.get(id, async () =>
      schemaAnswer(await this.#ask("GET", `/schemas/ids/${id}`)),
    );
  }

  async latest(subject: string): Promise<SubjectSchema> {
    const found = versionAnswer(await this.#ask("GET", pathOf(subject, "latest")));
    this.#versions.put(`${found.version}/${subject}`, found);
    return found;
  }

  version(subject: string, version: number): Promise<SubjectSchema> {
    return this.#versions.get(`${version}/${subject}`, async () =>
      versionAnswer(await this.#ask("GET", pathOf(subject, version))),
    );
  }

  register(subject: string, content: SchemaContent): Promise<number> {
    return this.#registered.get(`${guidOf(content)}/${subject}`, async () => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      const answer = await this.#ask("POST", path, { ...content } as unknown as JsonObject);
      const id = typeof answer === "object" && answer !== null && "id" in answer ? answer.id : null;
      if (typeof id === "number" && Number.isInteger(id)) return id;
      throw unavailable("the registry answered a registration without an id");
    });
  }

  async lookUp(subject: string, content: SchemaContent): Promise<SubjectSchema> {
    const path = `/subjects/${encodeURIComponent(subject)}`;
    return versionAnswer(await this.#ask("POST", path, { ...content } as unknown as JsonObject));
  }

  async references(content: SchemaContent): Promise<readonly ResolvedReference[]> {
    const reached = new Map<string, ResolvedReference>();
    const visit = async ({ references }: SchemaContent, depth: number): Promise<void> => {
      if (depth > registryLimits.referenceDepthMax) throw tooMany("deep");
      for (const { name, subject, version } of references) {
        if (reached.has(name)) continue;
        if (reached.size >= registryLimits.referencesReachedMax) throw tooMany("many");
        const found = await this.version(subject, version);
        await visit(found.content, depth + 1);
        reached.set(name, { name, schema: found.content.schema });
      }
    };
    await visit(content, 0);
    return [...reached.values()];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#own?.destroy();
  }

  async #ask(method: "GET" | "POST", path: string, body?: JsonObject): Promise<Json> {
    const { attemptsMax, retryMs, callMsMax } = this.#limits;
    const until = this.#clock.now() + callMsMax;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(method, path, body);
      } catch (error) {
        if (!(error instanceof RegistryUnavailableError) || this.#isClosed) throw error;
        const waitMs = retryMs * 2 ** (attempt - 1) * (1 + this.#random() / 2);
        const isOver = attempt >= attemptsMax || this.#clock.now() + waitMs >= until;
        if (isOver || this.#isOpen()) throw error;
        await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve));
      }
    }
  }

  #isOpen(): boolean {
    return this.#breaker.kind === "open" && this.#clock.now() < this.#breaker.until;
  }

  /** An answer of the registry, be it a refusal, shows that it works (H3). */
  async #attempt(method: "GET" | "POST", path: string, body?: JsonObject): Promise<Json> {
    if (this.#isClosed) throw unavailable("the client of the registry is closed");
    const room = roomOf(this.#breaker, this.#clock.now(), Number.POSITIVE_INFINITY);
    if (this.#running >= room) throw unavailable("the registry failed several times in a row");
    this.#running++;
    try {
      const answer = await this.#send(method, path, body);
      this.#breaker = closedBreaker;
      return answer;
    } catch (error) {
      if (error instanceof RegistryError) this.#breaker = closedBreaker;
      else this.#breaker = afterFailure(this.#breaker, this.#clock.now(), this.#limits);
      throw error;
    } finally {
      this.#running--;
    }
  }

  async #send(method: "GET" | "POST", path: string, body?: JsonObject): Promise<Json> {
    const abort = new AbortController();
    const cancel = this.#clock.after(this.#limits.attemptMsMax, () => abort.abort());
    try {
      const answer = await request(`${this.#base}${path}`, {
        method,
        headers: this.#headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: abort.signal,
        dispatcher: this.#client,
      });
      const text = await readAll(answer.body, this.#limits.answerBytesMax);
      if (answer.statusCode === 200) return parse(text);
      throw (
        refusalOf(answer.statusCode, text) ??
        unavailable(`the registry answered ${answer.statusCode}`)
      );
    } catch (cause) {
      if (cause instanceof RegistryError || cause instanceof RegistryUnavailableError) throw cause;
      const why = abort.signal.aborted
        ? `no answer within ${this.#limits.attemptMsMax} ms`
        : cause instanceof Error
          ? cause.message
          : String(cause);
      throw unavailable(`the registry did not answer: ${why}`, cause);
    } finally {
      cancel();
    }
  }
}

function pathOf(subject: string, version: number | "latest"): string {
  return `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
}

function parse(text: string): Json {
  try {
    return readJson(text) as Json;
  } catch (cause) {
    throw unavailable("the registry's answer is not JSON", cause);
  }
}

async function readAll(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw unavailable(`the registry's answer is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new TypeError("the registry's url should be http or https");
  if (url.username !== "" || url.password !== "")
    throw new TypeError("user and password of the registry have settings of their own");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function unavailable(message: string, cause?: unknown): RegistryUnavailableError {
  const hint = "check that the registry of the configuration is up, and its user and password";
  return new RegistryUnavailableError({ message, hint, ...(cause === undefined ? {} : { cause }) });
}

function tooMany(what: "deep" | "many"): RegistryError {
  return new RegistryError(
    "schemaInvalid",
    `Invalid schema, details: its references are too ${what}`,
  );
}
