import type { FastifyInstance } from "fastify";
import type { Hooks, Sources } from "../accept/index.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { Dispatcher } from "../engine/dispatcher.ts";
import type { Engine } from "../engine/engine.ts";
import type { Clock } from "../engine/port/clock.ts";
import type { SchemaRegistry } from "../engine/port/schema-registry.ts";
import type { EmbeddedRegistry } from "../engine/registry/embedded.ts";
import type { FeedStatus, HeardSeries, Logger, Metrics, Reading } from "../telemetry/index.ts";
import type { ServerLimits } from "./limits.ts";
import type { StreamHub } from "./stream.ts";

export interface ServerOptions {
  readonly engine: Engine;
  /** The plan in force; another one after a reload. */
  readonly plan: () => CompiledPlan;
  /** What became of effects on their way out. */
  readonly dispatcher: Pick<Dispatcher, "status" | "deadEffects" | "retryAbandoned">;
  readonly sources: Sources;
  readonly secretKey: string;
  readonly clock: Clock;
  /** A fresh text of at most 100 characters at each call. */
  readonly randomId: () => string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Made before the engine, which it listens to. */
  readonly hub: StreamHub;
  /** False while the process cannot serve yet, for `/readyz`. */
  readonly ready?: () => boolean;
  /** Third parties that deliver to `/v1/hooks/<name>`; none unless said. */
  readonly hooks?: Hooks;
  /** What brings events besides requests; nothing unless said. */
  readonly feeds?: () => readonly FeedStatus[];
  /** The schema registry that this server is for others; none where another one is used. */
  readonly registry?: EmbeddedRegistry;
  /** Why the one inside cannot be used, where it is damaged. */
  readonly registryFault?: string;
  /** Where the schema ids of messages are looked up; without it none is known. */
  readonly schemaRegistry?: Pick<SchemaRegistry, "find" | "references">;
  /** Routes of the user, such as a site's own files. */
  readonly siteRoutes?: (app: FastifyInstance) => void;
  /** Which proxies may say who the client is, as Fastify's `trustProxy`. */
  readonly trustProxy?: TrustProxy | ((address: string, hop: number) => boolean);
  /** The thread in front, where there is one: what it counts is part of `/metrics`. */
  readonly collector?: { reading(): Promise<CollectorReading> };
  readonly limits?: Partial<ServerLimits>;
}

/** What a thread that collects adds to `/metrics`. */
export interface CollectorReading {
  readonly series: HeardSeries;
  readonly edges: Reading["edges"];
  readonly contracts: Reading["contracts"];
  readonly requestBytesInFlight: number;
  readonly requestsHeld: number;
}

export type TrustProxy = boolean | string | string[];
