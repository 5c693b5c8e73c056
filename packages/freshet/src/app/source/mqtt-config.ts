import { boolean, type Check, list, object, oneOf, secretText, text, wrong } from "../check.ts";
import { UsageError } from "../usage-error.ts";
import type { TopicConfig } from "./decode.ts";
import { topicFilterFault } from "./topic.ts";

/** A broker of MQTT to subscribe at. */
export interface MqttConfig {
  /** For metrics, logs and the session at the broker: another name is another session. */
  readonly name: string;
  /** `mqtt://host:1883`, `mqtts://host:8883`, or over WebSocket `ws://` and `wss://`. */
  readonly url: string;
  readonly topics: readonly TopicConfig[];
  /** At most once (0), or at least once and counted once (1, unless said). */
  readonly qos?: 0 | 1;
  /** Client id at the broker, of which each may be connected once; made for the data folder unless said. */
  readonly clientId?: string;
  readonly username?: string | undefined;
  /** From the environment rather than from the file: `process.env.MQTT_PASSWORD`. */
  readonly password?: string | undefined;
  /** Files in PEM, relative to the configuration: who signed the broker's certificate, and this client's own pair. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Take messages that the broker keeps of a topic, each once; not unless said. */
  readonly retained?: boolean;
  /** Source of the events: one of `sources`, or a name of its own; `mqtt/<name>` unless said. */
  readonly source?: string;
}

/** Throws a UsageError that names the setting, what came and what was expected. */
export function checkMqtt(mqtt: unknown): void {
  if (mqtt === undefined) return;
  list(mqttCheck, "a list of brokers")(mqtt, "mqtt");
  const names = (mqtt as readonly MqttConfig[]).map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new UsageError(`two brokers of mqtt are named "${twice}"`, "give each a name of its own");
}

const name: Check = (value, place) => {
  if (typeof value !== "string" || !/^[\w.-]{1,64}$/.test(value))
    throw wrong(value, place, "1 to 64 letters, digits, dots, dashes or underscores");
};

const url: Check = (value, place) => {
  const isUrl =
    typeof value === "string" && /^(mqtts?|wss?):\/\//.test(value) && URL.canParse(value);
  if (!isUrl) throw wrong(value, place, "an address like mqtt://broker.example:1883");
  if (new URL(value).username !== "")
    throw new UsageError(`${place} holds a user name`, "give it as username and password");
};

const qos: Check = (value, place) => {
  if (value === 0 || value === 1) return;
  const hint =
    value === 2
      ? "use 1: what is published with QoS 2 is taken too, and ids keep it from counting twice"
      : undefined;
  throw wrong(value, place, "0 or 1", hint);
};

const filter: Check = (value, place) => {
  text(value, place);
  const fault = topicFilterFault(String(value));
  if (fault !== undefined)
    throw wrong(value, place, "", `it ${fault}; write it like shop/+store/events`);
};

const anything: Check = () => {};
/** A value of the plan's builders. */
const builder: Check = (value, place) => {
  const isValue = value !== null && typeof value === "object" && "expression" in value;
  if (!isValue) throw wrong(value, place, 'a value like column("payload") or constant("Name")');
};
const builders: Check = (value, place) => {
  if (value === null || typeof value !== "object") throw wrong(value, place, "an object of values");
  for (const [name, one] of Object.entries(value)) builder(one, `${place}.${name}`);
};

const map = object(
  {
    payload: oneOf("json", "number", "text"),
    ...{ event: builder, userId: builder, anonymousId: builder, time: builder },
    ...{ properties: builders, where: anything },
  },
  ["event"],
);
const format: Check = (value, place) => {
  if (typeof value === "object") map(value, place);
  else oneOf("native", "segment")(value, place);
};

const topics: Check = (value, place) => {
  list(object({ filter, format }, ["filter"]), "a list of topics")(value, place);
  if ((value as readonly unknown[]).length === 0)
    throw new UsageError(`${place} is empty`, 'name what to subscribe to: { filter: "shop/#" }');
};

const mqttCheck = object(
  {
    ...{ name, url, topics, qos, clientId: text, username: text, password: secretText },
    ...{ ca: text, cert: text, key: text, retained: boolean, source: text },
  },
  ["name", "url", "topics"],
);
