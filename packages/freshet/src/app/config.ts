import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { EdgePolicy, HookConfig } from "../accept/index.ts";
import type { Plan } from "../core/plan/plan.ts";
import { unknownKey } from "./check.ts";
import { type LogConfig, type LogFormat, logFormatOf } from "./log/config.ts";
import { type ContractConfig, checkRegistry, type RegistryConfig } from "./registry/config.ts";
import { checkMqtt, type MqttConfig } from "./source/mqtt-config.ts";
import { checkSources, type GeoConfig, type SourceConfig } from "./source-config.ts";
import { type TrustProxy, trustProxyOf } from "./trust-proxy.ts";
import { UsageError } from "./usage-error.ts";

/** What `freshet.config.ts` exports. Environment variables `FRESHET_*` win over it. */
export interface FreshetConfig {
  /** Path of the plan's file, relative to the configuration, or a plan made in code. */
  readonly plan: string | Plan;
  /** Port to listen on; 8080 unless said. 0 takes a free one. */
  readonly port?: number;
  /** Address to listen on; the loopback address unless said. */
  readonly host?: string;
  /**
   * Which proxies in front may say who the client is, by `X-Forwarded-For`: addresses, ranges (`10.0.0.0/8`) or
   * `loopback`, `linklocal`, `uniquelocal`; `true` believes everybody. Nobody unless said.
   */
  readonly trustProxy?: boolean | string | string[];
  /** Folder of log and state, relative to the configuration; `.freshet` unless said. */
  readonly data?: string;
  readonly writeKey?: string;
  readonly secretKey?: string;
  /** More sources than the default one, each with a write key of its own. */
  readonly sources?: readonly SourceConfig[];
  /** What holds for all sources, the default one among them, where they do not say otherwise. */
  readonly defaults?: EdgePolicy;
  /** Database of places: path of a file in MaxMind's format, relative to the configuration. */
  readonly geo?: string | GeoConfig;
  /** Key of `hash` rules of privacy, at least 16 characters; better in `FRESHET_HASH_KEY`. */
  readonly hashKey?: string;
  /** Where `send` actions go, by name. */
  readonly destinations?: { readonly [name: string]: DestinationConfig };
  /** Third parties that deliver to `/v1/hooks/<name>`, by name. */
  readonly hooks?: { readonly [name: string]: HookConfig };
  /** Brokers of MQTT to subscribe at. */
  readonly mqtt?: readonly MqttConfig[];
  /** The schema registry of somebody else, instead of the one that Freshet is. */
  readonly registry?: RegistryConfig;
  /** What becomes of the contracts of the plan's events in the schema registry. */
  readonly contracts?: ContractConfig;
  /** How events are written on the log. */
  readonly log?: LogConfig;
  /** Logical partitions of a new data folder. */
  readonly partitions?: number;
  /**
   * Where requests of capture are read and checked: `inline`, in the thread that has the profiles, or in a `thread` of
   * their own, for machines with processors to spare.
   */
  readonly collector?: CollectorPlace;
  /** How long the log keeps records, in days. */
  readonly retentionDays?: number;
  readonly logLevel?: LogLevel;
  /** Routes of your own on the same port: a site, a token endpoint. Gets the fastify instance. */
  readonly site?: (site: SiteContext) => void;
}

export interface DestinationConfig {
  /** http or https. One that begins with `/` is a route of this server: of the `site`, on whatever port it listens. */
  readonly url: string;
  /** Standard Webhooks secret (`whsec_...`); several while one is replaced. */
  readonly secret: string | readonly string[];
}

export type CollectorPlace = "thread" | "inline";

export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";

/** What a configuration's own routes may use. */
export interface SiteContext {
  /** A fastify instance: add routes to it. */
  readonly app: import("fastify").FastifyInstance;
  readonly writeKey: string;
  /** Base address of this server once it listens. */
  url(): string;
  /** Mints a profile token, as POST /v1/tokens does. */
  mintToken(profileId: string): Promise<{ token: string; expiresAt: number }>;
  ledger(): import("../engine/counters.ts").Ledger;
  /** Called once when the server listens; what it returns is called when it stops. */
  onListening(start: () => (() => void) | undefined): void;
}

/** Types the configuration and nothing else. */
export function defineConfig(config: FreshetConfig): FreshetConfig {
  return config;
}

/** Everything decided: defaults, file and environment put together. */
export interface Settings {
  readonly plan: string | Plan;
  readonly port: number;
  readonly host: string;
  readonly trustProxy: TrustProxy;
  readonly data: string;
  readonly writeKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly sources: readonly SourceConfig[];
  readonly defaults: EdgePolicy;
  /** With the path of its file resolved. */
  readonly geo: GeoConfig | undefined;
  readonly hashKey: string | undefined;
  /** Folder of the configuration, which paths in it are relative to. */
  readonly folder: string;
  readonly destinations: { readonly [name: string]: DestinationConfig };
  readonly hooks: { readonly [name: string]: HookConfig };
  readonly mqtt: readonly MqttConfig[];
  readonly registry: RegistryConfig | undefined;
  readonly contracts: ContractConfig;
  readonly logFormat: LogFormat;
  readonly partitions: number | undefined;
  readonly collector: CollectorPlace;
  readonly retentionDays: number | undefined;
  readonly logLevel: LogLevel;
  readonly site: FreshetConfig["site"];
}

const configKeys: readonly (keyof FreshetConfig)[] = [
  "plan",
  "port",
  "host",
  "trustProxy",
  "data",
  "writeKey",
  "secretKey",
  "sources",
  "defaults",
  "geo",
  "hashKey",
  "destinations",
  "hooks",
  "mqtt",
  "registry",
  "contracts",
  "log",
  "partitions",
  "collector",
  "retentionDays",
  "logLevel",
  "site",
];

const environmentKeys = {
  FRESHET_PORT: "port",
  FRESHET_HOST: "host",
  FRESHET_DATA: "data",
  FRESHET_WRITE_KEY: "writeKey",
  FRESHET_SECRET_KEY: "secretKey",
  FRESHET_HASH_KEY: "hashKey",
  FRESHET_COLLECTOR: "collector",
  FRESHET_LOG_LEVEL: "logLevel",
  FRESHET_LOG_FORMAT: "log",
} as const;

/** Read by tools beside the server; accepted here so that they are no typing errors. */
const otherEnvironmentKeys = [
  "FRESHET_DATASETS",
  "FRESHET_SEED",
  "FRESHET_SEEDS",
  "FRESHET_URL",
  "FRESHET_CHROMIUM",
  "FRESHET_KILLS",
  "FRESHET_SCREENSHOTS",
];

export const configFileName = "freshet.config.ts";

/** Where the configuration is when nobody says: the nearest one from the current folder upwards. */
export function findConfig(folder: string): string | null {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const candidate = resolve(at, configFileName);
    if (existsSync(candidate)) return candidate;
    if (dirname(at) === at) return null;
  }
}

/** Puts file and environment together; a key that does not exist names the nearest one that does. */
export function settingsOf(
  config: FreshetConfig,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  for (const key of Object.keys(config))
    if (!(configKeys as readonly string[]).includes(key))
      throw unknownKey(key, configKeys, "the configuration");
  const known = [...Object.keys(environmentKeys), ...otherEnvironmentKeys];
  for (const name of Object.keys(environment))
    if (name.startsWith("FRESHET_") && !known.includes(name))
      throw unknownKey(name, known, "the environment");
  checkSources(config.sources, config.defaults, config.geo);
  checkMqtt(config.mqtt);
  checkRegistry(config.registry, config.contracts);
  const read = (name: keyof typeof environmentKeys) => environment[name] || undefined;
  return {
    plan: typeof config.plan === "string" ? resolve(folder, config.plan) : config.plan,
    port: portOf(read("FRESHET_PORT") ?? config.port ?? 8080),
    host: read("FRESHET_HOST") ?? config.host ?? "127.0.0.1",
    trustProxy: trustProxyOf(config.trustProxy ?? false),
    data: dataFolder(read("FRESHET_DATA"), config.data, folder),
    writeKey: read("FRESHET_WRITE_KEY") ?? config.writeKey,
    secretKey: read("FRESHET_SECRET_KEY") ?? config.secretKey,
    sources: config.sources ?? [],
    defaults: config.defaults ?? {},
    geo: geoOf(config.geo, folder),
    hashKey: read("FRESHET_HASH_KEY") ?? config.hashKey,
    folder,
    destinations: config.destinations ?? {},
    hooks: config.hooks ?? {},
    mqtt: config.mqtt ?? [],
    registry: config.registry,
    contracts: config.contracts ?? {},
    logFormat: logFormatOf(config.log, read("FRESHET_LOG_FORMAT")),
    partitions: config.partitions,
    collector: collectorOf(read("FRESHET_COLLECTOR") ?? config.collector ?? "inline"),
    retentionDays: config.retentionDays,
    logLevel: levelOf(read("FRESHET_LOG_LEVEL") ?? config.logLevel ?? "info"),
    site: config.site,
  };
}

/** The variable is relative to where the command runs, the configuration's to its own folder. */
function dataFolder(
  variable: string | undefined,
  configured: string | undefined,
  folder: string,
): string {
  return variable === undefined ? resolve(folder, configured ?? ".freshet") : resolve(variable);
}

function geoOf(geo: FreshetConfig["geo"], folder: string): GeoConfig | undefined {
  if (geo === undefined) return undefined;
  const { file, ...options } = typeof geo === "string" ? { file: geo } : geo;
  return { ...options, file: resolve(folder, file) };
}

function portOf(value: string | number): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(
      `the port is "${value}"`,
      "use a whole number from 0 to 65535; 0 takes a free port",
    );
  return port;
}

const levels: readonly string[] = ["silent", "error", "warn", "info", "debug"] satisfies LogLevel[];

const collectorPlaces: readonly string[] = ["thread", "inline"] satisfies CollectorPlace[];

function collectorOf(value: string): CollectorPlace {
  if (!collectorPlaces.includes(value))
    throw new UsageError(`the collector is "${value}"`, `use one of ${collectorPlaces.join(", ")}`);
  return value as CollectorPlace;
}

function levelOf(value: string): LogLevel {
  if (!levels.includes(value))
    throw new UsageError(`the log level is "${value}"`, `use one of ${levels.join(", ")}`);
  return value as LogLevel;
}
