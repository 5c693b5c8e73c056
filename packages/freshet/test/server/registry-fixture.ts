import { systemClock } from "../../src/adapters/clock/system.ts";
import { utf8 } from "../../src/adapters/codec/msgpack.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { createSchemaTypes } from "../../src/app/registry/types.ts";
import { type SchemaWork, workHere } from "../../src/core/registry/index.ts";
import { EmbeddedRegistry } from "../../src/engine/registry/embedded.ts";
import {
  type Answer,
  type Fixture,
  type FixtureOptions,
  openFixture,
  secretKey,
} from "./fixture.ts";

export const v1Type = "application/vnd.schemaregistry.v1+json";

export interface RegistryFixture extends Fixture {
  readonly disk: MemoryDisk;
  /** The disk that the registry is on, apart from the engine's. */
  readonly registryDisk: MemoryDisk;
  readonly registry: EmbeddedRegistry;
}

/** A server that is a registry, in memory. Close it. */
export async function openRegistryFixture(
  work: SchemaWork = workHere(createSchemaTypes()),
  server: FixtureOptions["server"] = {},
): Promise<RegistryFixture> {
  const registryDisk = new MemoryDisk();
  const store = await openMemoryState(registryDisk);
  const registry = new EmbeddedRegistry({ store, text: utf8, work, clock: systemClock() });
  const fixture = await openFixture({ server: { ...server, registry, schemaRegistry: registry } });
  return { ...fixture, registry, registryDisk };
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request as the owner, as clients of the registry send it. */
export async function call(
  { app }: Pick<Fixture, "app">,
  url: string,
  { method, body, headers = {} }: Call = {},
): Promise<Answer> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const payload = body === undefined ? undefined : isRaw ? Buffer.from(body) : JSON.stringify(body);
  const response = await app.inject({
    method: method ?? (body === undefined ? "GET" : "POST"),
    url,
    headers: { authorization: basicOf("anybody", secretKey), "content-type": v1Type, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
  const isJson = String(response.headers["content-type"] ?? "").includes("json");
  return {
    status: response.statusCode,
    headers: response.headers,
    body: isJson && response.body !== "" ? response.json() : response.body,
  };
}

export function basicOf(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

export interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

/** A record of Avro as a schema's text. */
export function avro(name: string, ...fields: readonly Field[]): string {
  return JSON.stringify({ type: "record", name, fields });
}

export const idField: Field = { name: "id", type: "string" };
export const noteField: Field = { name: "note", type: "string", default: "" };
export const priceField: Field = { name: "price", type: "double" };

/** Registers and returns the id. */
export async function register(
  fixture: Pick<Fixture, "app">,
  subject: string,
  body: object,
): Promise<number> {
  const answer = await call(fixture, `/subjects/${encodeURIComponent(subject)}/versions`, { body });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body.id;
}
