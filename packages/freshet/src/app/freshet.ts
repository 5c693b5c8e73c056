import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import type { AcceptContext, Sources } from "../accept/index.ts";
import { systemClock } from "../adapters/clock/system.ts";
import { compilePlan } from "../core/plan/compile.ts";
import { Dispatcher } from "../engine/dispatcher.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineLimits } from "../engine/options.ts";
import type { Clock } from "../engine/port/clock.ts";
import type { SchemaRegistry } from "../engine/port/schema-registry.ts";
import { createAcceptState } from "../server/accept-state.ts";
import {
  createServer,
  createTokens,
  StreamHub,
  serverLimits,
  trustForwarder,
} from "../server/index.ts";
import { createLogger, createMetrics, type Logger } from "../telemetry/index.ts";
import { CollectorThread } from "./collect/thread.ts";
import type { Settings, SiteContext } from "./config.ts";
import { createSources } from "./edge.ts";
import { markFolder, openFolder } from "./folder.ts";
import { openGeoFile } from "./geo.ts";
import { createHooks } from "./hooks.ts";
import { keysOf } from "./keys.ts";
import { listen } from "./listen.ts";
import { LogFormatter } from "./log/format.ts";
import { openRegistry } from "./registry/open.ts";
import { ContractPublisher } from "./registry/publish.ts";
import { checkTables, type Reloaded, reloader, watchPlan } from "./reload.ts";
import { type PlaceOptions, planOfSettings } from "./settings.ts";
import { createSinks } from "./sinks.ts";
import { prepareFeeds, startFeeds } from "./source/open.ts";
import { refreshTables } from "./tables.ts";

export interface StartOptions {
  readonly settings: Settings;
  /** Reload the plan and its tables when their files are saved. */
  readonly watch?: boolean;
  /** Where the settings were read from: a thread of its own for capture reads them there again. Without it, none. */
  readonly place?: PlaceOptions;
  /** Told what a reload did, in words. */
  readonly onReload?: (text: string) => void;
  readonly limits?: Partial<EngineLimits>;
}

/** A running Freshet. */
export interface Freshet {
  readonly url: string;
  readonly writeKey: string;
  readonly secretKey: string;
  /** True when the keys were made by this start. */
  readonly keysMade: boolean;
  readonly engine: Engine;
  /** Where schemas come from: the registry inside, or the one of the configuration. */
  readonly schemas: SchemaRegistry;
  /** Reads the plan's file again and puts it in force; throws when it is wrong, and the old one stays. */
  reload(): Promise<Reloaded | null>;
  /** Answers what is open, writes a last checkpoint and lets go of the data folder. */
  close(): Promise<void>;
}

/** Starts everything in this process: log, state, engine, dispatchers, HTTP. */
export async function startFreshet(options: StartOptions): Promise<Freshet> {
  const { settings, place } = options;
  const isThread =
    place !== undefined && settings.collector === "thread" && typeof settings.plan === "string";
  if (!isThread) return start(options, undefined);
  // First of all: while this thread reads the plan and recovers, that one reads the configuration.
  const collector = new CollectorThread(place);
  try {
    return await start(options, collector);
  } catch (error) {
    await collector.terminate();
    throw error;
  }
}

async function start(
  options: StartOptions,
  collector: CollectorThread | undefined,
): Promise<Freshet> {
  const { settings } = options;
  const firstStart = !existsSync(settings.data);
  markFolder(settings.data);
  const loaded = await planOfSettings(settings);
  checkTables(loaded);
  const keys = keysOf(settings.data, given(settings));
  const logger = createLogger({ level: settings.logLevel });
  const clock = systemClock();
  const hub = new StreamHub({ clock, onDropped: () => metrics.streamDropped() });
  let base = "";
  const sinks = createSinks(settings, { clock, url: () => base });
  const geo = settings.geo === undefined ? undefined : openGeoFile(settings.geo.file);
  const sources = createSources(settings, keys.writeKey, geo?.current);
  const hooks = createHooks(settings, sources);
  const prepared = await prepareFeeds(settings, sources);
  const metrics = createMetrics();
  const alert = (name: Parameters<typeof metrics.alert>[0], message: string) => {
    metrics.alert(name);
    logger.error({ alert: name }, message);
  };
  const folder = await openFolder(settings.data, {
    plan: compilePlan(loaded.plan),
    listener: { ...hub.listener, alert },
    limits: { ...limitsOf(settings), ...options.limits },
  });
  const { engine } = folder;
  const { data, registry: config } = settings;
  const onJob = metrics.registry.job;
  const registry = await openRegistry({ data, config, clock, onJob }).catch(
    async (error: unknown) => {
      await folder.close();
      throw error;
    },
  );
  if (registry.fault !== undefined) alert("registryDamaged", registry.fault);
  const contracts = new ContractPublisher({
    ...{ registry: registry.schemas, config: settings.contracts, clock, logger },
    onCount: metrics.registry.contracts,
  });
  const formatter = new LogFormatter({
    ...{ log: folder.log, format: settings.logFormat, registry },
    warn: (message) => logger.warn(message),
  });
  const dispatcher = new Dispatcher({
    outbox: engine.outbox,
    sinks,
    clock,
    random: Math.random,
    alert,
  });
  const feeds = prepared.open({
    ...{ engine, clock, problem: (message) => logger.warn(message) },
    context: acceptContextOf(engine, sources, clock),
  });
  let isReady = false;
  const onListening: (() => (() => void) | undefined)[] = [];
  const tokens = createTokens(keys.secretKey, clock);
  const server = createServer({
    engine,
    plan: () => engine.plan,
    sources,
    hooks,
    secretKey: keys.secretKey,
    clock,
    randomId: () => randomUUID(),
    logger,
    metrics,
    hub,
    dispatcher,
    ...(registry.embedded === undefined ? {} : { registry: registry.embedded }),
    ...(registry.fault === undefined ? {} : { registryFault: registry.fault }),
    schemaRegistry: registry.schemas,
    feeds: () => feeds.map((feed) => feed.status()),
    ...(collector === undefined
      ? { trustProxy: settings.trustProxy }
      : { trustProxy: trustForwarder(settings.trustProxy), collector }),
    ready: () => isReady,
    siteRoutes: (app) => {
      settings.site?.({
        app,
        writeKey: keys.writeKey,
        url: () => base,
        mintToken: (profileId) => tokens.mint(profileId, serverLimits.tokenSecondsDefault),
        ledger: () => engine.ledger(),
        onListening: (start) => onListening.push(start),
      } satisfies SiteContext);
    },
  });
  const closers: (() => void)[] = [];
  const close = once(async () => {
    isReady = false;
    for (const closer of closers) closer();
    await Promise.all(feeds.map((feed) => feed.stop()));
    server.beginShutdown();
    await collector?.close();
    await server.app.close();
    await dispatcher.stop();
    await Promise.all(sinks.map((sink) => sink.close()));
    const contractsClosed = contracts.close();
    await formatter.close();
    // What is still asked of it ends with it.
    await registry.close();
    await contractsClosed;
    await folder.close();
  });
  try {
    await contracts.publish(loaded.plan.definition);
    await formatter.use(loaded.plan.definition);
    await refreshTables(engine, clock, loaded.folder);
    base = await listen(
      server,
      settings,
      collector && {
        collector,
        parts: { engine, log: folder.log, schemas: registry.schemas },
        writeKey: keys.writeKey,
      },
    );
    await startFeeds(feeds);
  } catch (error) {
    await close();
    throw error;
  }
  isReady = true;
  // After listening, since a destination may be a route of the same server.
  dispatcher.start();
  for (const start of onListening) {
    const stop = start();
    if (stop !== undefined) closers.push(stop);
  }
  if (geo !== undefined) closers.push(geo.watch((error) => noteGeo(logger, error)));
  const reload = reloader(settings, { engine, clock, contracts, formatter, collector });
  if (options.watch === true && typeof settings.plan === "string")
    closers.push(watchPlan(settings.plan, loaded, reload, options.onReload ?? (() => {})));
  return {
    url: base,
    writeKey: keys.writeKey,
    secretKey: keys.secretKey,
    keysMade: firstStart || keys.made,
    engine,
    schemas: registry.schemas,
    reload,
    close,
  };
}

/** For ways in that are no requests. */
function acceptContextOf(engine: Engine, sources: Sources, clock: Clock): () => AcceptContext {
  const state = createAcceptState({
    plan: () => engine.plan,
    tables: () => engine.tables,
    partitions: () => engine.partitions,
    ...{ sources, clock, randomId: () => randomUUID() },
  });
  return () => state.context();
}

function noteGeo(logger: Logger, error: Error | null): void {
  if (error === null) logger.info("the database of places was read again");
  else logger.error({ err: error }, "the database of places was not read again; the old one stays");
}

function given(settings: Settings) {
  const { writeKey, secretKey } = settings;
  return {
    ...(writeKey === undefined ? {} : { writeKey }),
    ...(secretKey === undefined ? {} : { secretKey }),
  };
}

function limitsOf(settings: Settings): Partial<EngineLimits> {
  return {
    ...(settings.partitions === undefined ? {} : { partitions: settings.partitions }),
    ...(settings.retentionDays === undefined
      ? {}
      : { retentionMs: settings.retentionDays * 86_400_000 }),
  };
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= run();
    return running;
  };
}
