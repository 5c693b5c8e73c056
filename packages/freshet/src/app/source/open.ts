import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { AcceptContext, Source, Sources } from "../../accept/index.ts";
import { mqttSource } from "../../adapters/source/mqtt.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Clock } from "../../engine/port/clock.ts";
import { SourceConfigError } from "../../engine/port/source.ts";
import type { Settings } from "../config.ts";
import { UsageError } from "../usage-error.ts";
import { writeWhole } from "../write-whole.ts";
import { decoderOf } from "./decode.ts";
import { Feed } from "./feed.ts";
import { knownIds } from "./known-ids.ts";
import type { MqttConfig } from "./mqtt-config.ts";
import { parseTopicFilter } from "./topic.ts";

type MqttSettings = Pick<Settings, "mqtt" | "data" | "folder">;

export interface FeedServices {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly context: () => AcceptContext;
  readonly problem: (message: string) => void;
}

/** Everything that can be wrong with a broker's settings is found here, before the data folder is opened. */
export interface PreparedFeeds {
  /** Made when there is an engine for them; they do nothing until they are started. */
  open(services: FeedServices): readonly Feed[];
}

/** Reads certificates, loads the client library where a broker is configured, and looks up what the log has. */
export async function prepareFeeds(
  settings: MqttSettings,
  sources: Sources,
): Promise<PreparedFeeds> {
  const { mqtt, data } = settings;
  if (mqtt.length === 0) return { open: () => [] };
  const connect = await loadClient();
  const known = await knownIds(data, mqtt.map(eventsOf));
  const files = mqtt.map((config) => readFiles(config, settings.folder));
  return {
    open: ({ engine, clock, context, problem }) =>
      mqtt.map((config, index) => {
        const source = sourceFor(config, sources);
        const { name, url, topics, qos = 1, username, password, retained = false } = config;
        return new Feed({
          source: mqttSource({
            ...{ name, url, qos, connect, takesRetained: retained, ...files[index] },
            filters: topics.map(({ filter }) => parseTopicFilter(filter).subscription),
            clientId: config.clientId ?? clientIdOf(data, name),
            knownIds: known.get(source.name) ?? [],
            ...(username === undefined ? {} : { username }),
            ...(password === undefined ? {} : { password }),
          }),
          ...{ events: source.name, decode: decoderOf(topics, source) },
          ...{ engine, clock, context, problem },
        });
      }),
  };
}

/** Starts feeds; one that can never work ends the start of the process. */
export async function startFeeds(feeds: readonly Feed[]): Promise<void> {
  try {
    for (const feed of feeds) await feed.start();
  } catch (error) {
    if (error instanceof SourceConfigError) throw new UsageError(error.message, error.hint);
    throw error;
  }
}

const eventsOf = ({ name, source }: MqttConfig): string => source ?? `mqtt/${name}`;

/** A source of the configuration has what is done at its edge; one of its own has what holds for all. */
function sourceFor(config: MqttConfig, { list }: Sources): Source {
  const name = eventsOf(config);
  return list.find((source) => source.name === name) ?? { name, writeKey: "", kind: "server" };
}

async function loadClient() {
  try {
    return (await import("mqtt")).connect;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new UsageError(
      "the configuration names a broker of MQTT, but its client library is not installed",
      "npm install mqtt@5",
    );
  }
}

function readFiles(
  { name, ca, cert, key }: MqttConfig,
  folder: string,
): { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } {
  const read = (what: "ca" | "cert" | "key", path: string | undefined) => {
    if (path === undefined) return {};
    try {
      return { [what]: readFileSync(resolve(folder, path)) };
    } catch (error) {
      throw new UsageError(
        `${what} of mqtt "${name}" cannot be read: ${(error as Error).message}`,
        "paths are relative to the configuration",
        1,
      );
    }
  };
  return { ...read("ca", ca), ...read("cert", cert), ...read("key", key) };
}

/** Of the data folder, so that a copy of the configuration elsewhere is another client. 23 characters are always taken. */
function clientIdOf(data: string, name: string): string {
  const path = join(data, "client-id");
  if (!existsSync(path)) writeWhole(path, `${randomBytes(16).toString("hex")}\n`);
  const hash = createHash("sha256").update(`${readFileSync(path, "utf8").trim()}\n${name}`);
  return `freshet-${hash.digest("hex").slice(0, 12)}`;
}
