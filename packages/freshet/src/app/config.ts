import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { nearest } from "../core/plan/error.ts";
import type { Plan } from "../core/plan/plan.ts";
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
  /** Where `send` actions go, by name. */
  readonly destinations?: { readonly [name: string]: DestinationConfig };
  /** Logical partitions of a new data folder. */
  readonly partitions?: number;
  /** How long the log keeps records, in days. */
  readonly retentionDays?: number;
  readonly logLevel?: LogLevel;
  /** Routes of your own on the same port: a site, a token endpoint. Gets the fastify instance. */
  readonly site?: (site: SiteContext) => void;
}

export interface SourceConfig {
  readonly name: string;
  readonly writeKey: string;
  /** `browser` sources take the address from the connection; `server` sources may say it. */
  readonly kind: "browser" | "server";
}

export interface DestinationConfig {
  /** http or https. One that begins with `/` is a route of this server: of the `site`, on whatever port it listens. */
  readonly url: string;
  /** Standard Webhooks secret (`whsec_...`); several while one is replaced. */
  readonly secret: string | readonly string[];
}

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
  readonly destinations: { readonly [name: string]: DestinationConfig };
  readonly partitions: number | undefined;
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
  "destinations",
  "partitions",
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
  FRESHET_LOG_LEVEL: "logLevel",
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
    destinations: config.destinations ?? {},
    partitions: config.partitions,
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

function unknownKey(key: string, known: readonly string[], place: string): UsageError {
  const near = nearest(key, known);
  return new UsageError(
    `"${key}" in ${place} is no setting of Freshet`,
    near === null ? `known are ${known.join(", ")}` : `did you mean "${near}"?`,
  );
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

function levelOf(value: string): LogLevel {
  if (!levels.includes(value))
    throw new UsageError(`the log level is "${value}"`, `use one of ${levels.join(", ")}`);
  return value as LogLevel;
}
