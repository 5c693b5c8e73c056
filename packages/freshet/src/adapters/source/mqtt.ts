import type { IClientOptions, IPublishPacket, ISubscriptionGrant, MqttClient } from "mqtt";
import {
  type Source,
  SourceConfigError,
  type SourceReceiver,
  type SourceStatus,
} from "../../engine/port/source.ts";
import { Deliveries, retainedId } from "./deliveries.ts";

export interface MqttOptions {
  readonly name: string;
  /** mqtt, mqtts, ws or wss. */
  readonly url: string;
  /** As MQTT has them, with `+` and `#`. */
  readonly filters: readonly string[];
  readonly qos: 0 | 1;
  /** The same at every start: the broker keeps what comes meanwhile under it. */
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Take what the broker keeps of a topic and sends at each subscription. */
  readonly takesRetained: boolean;
  /** Ids that earlier processes gave, oldest first. */
  readonly knownIds?: Iterable<string>;
  /** The client library's `connect`: it is installed only where it is used. */
  readonly connect: (url: string, options: IClientOptions) => MqttClient;
  readonly limits?: Partial<MqttLimits>;
}

export interface MqttLimits {
  /** Messages handed over and not acknowledged. Brokers send 10 to 100 before they wait, so few ever meet it. */
  readonly inFlightMax: number;
  /** Bytes of their payloads: a message may have 256 MiB. */
  readonly inFlightBytesMax: number;
  /** First pause before connecting again; doubled each time. */
  readonly reconnectMsMin: number;
  /** Longest pause. */
  readonly reconnectMsMax: number;
  /** Silence after which the connection is asked whether it lives. */
  readonly keepaliveSeconds: number;
  /** From the attempt to the broker's welcome. */
  readonly connectMsMax: number;
}

export const mqttLimits: MqttLimits = {
  inFlightMax: 1000,
  inFlightBytesMax: 16 * 1024 ** 2,
  reconnectMsMin: 250,
  reconnectMsMax: 30_000,
  keepaliveSeconds: 30,
  connectMsMax: 10_000,
};

/**
 * MQTT 3.1.1 with a session that outlives connections (`clean: false`), so that the broker keeps what is published
 * meanwhile. The guarantees are those of the port; how they are kept here:
 *
 * - M1 the client library would acknowledge a message before it takes the next one, so that each would wait for a disk
 *   alone. It is told that the message failed, which keeps it from acknowledging, and the four bytes of the
 *   acknowledgement are written here once the log has the message (R3), in the order of receipt.
 *   What is ignored is acknowledged in the same order, as the protocol asks for.
 * - M2 an acknowledgement goes to the connection that its message came on, or nowhere: a session that the broker
 *   lost gives the number to another message (R5). What is owed is therefore forgotten with its connection.
 * - M3 the subscription asks for at most QoS 1, so the broker sends what was published with QoS 2 that way too. QoS 2
 *   has the client own a message before it is on disk; ids do what it is for.
 */
export function mqttSource(options: MqttOptions): Source {
  return new Mqtt(options);
}

class Mqtt implements Source {
  readonly name: string;
  readonly #options: MqttOptions;
  readonly #limits: MqttLimits;
  readonly #deliveries: Deliveries;
  #client: MqttClient | null = null;
  #receiver: SourceReceiver | null = null;
  #isStopped = false;
  #connections = 0;
  #isUp = false;
  #isSubscribed = false;
  /** What was told last: a broker that is away is not told of at every attempt. */
  #told = "";
  /** Acknowledgements of this connection, in order; those at the front that are due can go (M1). */
  #owed: Owed[] = [];
  #isFlushing = false;
  /** Lets the library read on; held while too much is in flight (R4). */
  #readOn: (() => void) | null = null;
  #inFlightBytes = 0;
  #pauseMs: number;
  #status = { received: 0, acknowledged: 0, inFlight: 0, ignored: 0 };

  constructor(options: MqttOptions) {
    this.name = options.name;
    this.#options = options;
    this.#limits = { ...mqttLimits, ...options.limits };
    this.#deliveries = new Deliveries(options.knownIds);
    this.#pauseMs = this.#limits.reconnectMsMin;
  }

  async start(receiver: SourceReceiver): Promise<void> {
    if (this.#isStopped) return;
    this.#receiver = receiver;
    const client = this.#connect();
    this.#client = client;
    client.handleMessage = (packet, done) => this.#take(packet, done);
    client.on("connect", ({ sessionPresent }) => this.#connected(client, sessionPresent));
    client.on("close", () => this.#lost(client));
    client.on("error", (error) => this.#problem(wordsOf(error)));
  }

  status(): SourceStatus {
    const reconnects = Math.max(0, this.#connections - 1);
    return { ...this.#status, reconnects, isConnected: this.#client?.connected === true };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    const client = this.#client;
    if (client === null) return;
    this.#client = null;
    this.#flush(client);
    // The farewell goes out behind what was written before it; the session stays.
    const ended = client.endAsync(!client.connected);
    const late = new Promise<void>((resolve) => setTimeout(resolve, closeMsMax).unref());
    await Promise.race([ended, late]);
    client.stream.destroy();
  }

  #connect(): MqttClient {
    const { url, clientId, username, password, ca, cert, key } = this.#options;
    try {
      return this.#options.connect(url, {
        ...{ clientId, clean: false, protocolVersion: 4, resubscribe: false, queueQoSZero: false },
        ...{ keepalive: this.#limits.keepaliveSeconds, connectTimeout: this.#limits.connectMsMax },
        ...{ reconnectPeriod: this.#pauseMs, reconnectOnConnackError: true },
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      });
    } catch (error) {
      throw new SourceConfigError(
        `mqtt "${this.name}" cannot be used: ${(error as Error).message}`,
        "check its url, certificate and key",
      );
    }
  }

  #connected(client: MqttClient, sessionPresent: boolean): void {
    this.#connections++;
    this.#isUp = true;
    this.#told = "";
    this.#pauseMs = this.#limits.reconnectMsMin;
    client.options.reconnectPeriod = this.#pauseMs;
    // A session of an earlier process may have been subscribed to less.
    if (sessionPresent && this.#isSubscribed) return;
    const { filters, qos } = this.#options;
    client.subscribe([...filters], { qos }, (error, granted) => {
      if (error !== null) this.#problem(`cannot subscribe: ${error.message}`);
      this.#isSubscribed = error === null;
      for (const grant of granted ?? []) this.#checkGrant(grant);
    });
  }

  #checkGrant({ topic, qos }: ISubscriptionGrant): void {
    if (qos === 128) this.#problem(`the broker refuses the subscription to "${topic}"`);
    else if (qos < this.#options.qos)
      this.#problem(`the broker grants QoS ${qos} for "${topic}": messages may get lost`);
  }

  #lost(client: MqttClient): void {
    // What it held comes again: none of it is owed any longer.
    this.#owed = [];
    if (this.#client !== null && this.#isUp) this.#problem("the connection is lost");
    this.#isUp = false;
    this.#pauseMs = Math.min(this.#limits.reconnectMsMax, this.#pauseMs * 2);
    client.options.reconnectPeriod = Math.round(this.#pauseMs * (0.75 + Math.random() / 2));
  }

  #problem(message: string): void {
    if (message === this.#told) return;
    this.#told = message;
    this.#receiver?.problem(`mqtt "${this.name}": ${message}`);
  }

  #take(packet: IPublishPacket, done: (error?: Error) => void): void {
    const { qos, retain, payload } = packet;
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    const next = () => done(qos === 1 ? laterAcknowledged : undefined);
    // Not acknowledged, so it comes again at the next start (R7). Reading on lets the connection end.
    if (this.#isStopped) {
      if (qos !== 2) next();
      return;
    }
    const owed: Owed = { packetId: packet.messageId ?? 0, isDue: false };
    if (qos === 1) this.#owed.push(owed);
    // An empty message clears what the broker kept, and says nothing.
    if (bytes.length === 0 || (retain && !this.#options.takesRetained)) {
      this.#status.ignored++;
      this.#due(owed);
      next();
      return;
    }
    this.#status.received++;
    this.#status.inFlight++;
    this.#inFlightBytes += bytes.length;
    const acknowledge = once(() => {
      this.#status.acknowledged++;
      this.#status.inFlight--;
      this.#inFlightBytes -= bytes.length;
      if (qos === 2) done();
      this.#due(owed);
      if (this.#hasRoom()) this.#goOn();
    });
    const id = this.#idOf(packet, bytes);
    this.#receiver?.receive({ topic: packet.topic, payload: bytes, id, acknowledge });
    if (qos === 2) return;
    if (this.#hasRoom()) next();
    else this.#readOn = next;
  }

  #idOf(
    { qos, retain, topic, messageId = 0, dup }: IPublishPacket,
    payload: Buffer,
  ): string | null {
    if (qos === 0) return null;
    if (retain) return retainedId(topic, payload);
    return this.#deliveries.idOf({ packetId: messageId, isRepeat: dup, topic, payload });
  }

  #hasRoom(): boolean {
    return (
      this.#status.inFlight < this.#limits.inFlightMax &&
      this.#inFlightBytes < this.#limits.inFlightBytesMax
    );
  }

  #goOn(): void {
    const readOn = this.#readOn;
    this.#readOn = null;
    readOn?.();
  }

  /** Those of one batch go together. */
  #due(owed: Owed): void {
    owed.isDue = true;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (this.#client !== null) this.#flush(this.#client);
    });
  }

  /** PUBACK of MQTT 3.1.1: its type, the length of the rest, the packet's number. */
  #flush(client: MqttClient): void {
    const waits = this.#owed.findIndex(({ isDue }) => !isDue);
    const due = this.#owed.splice(0, waits === -1 ? this.#owed.length : waits);
    if (due.length === 0 || !client.connected) return;
    const bytes = due.flatMap(({ packetId }) => [0x40, 2, packetId >> 8, packetId & 0xff]);
    client.stream.write(Buffer.from(bytes));
  }
}

interface Owed {
  readonly packetId: number;
  isDue: boolean;
}

/** Time for a broker to let go of the connection. */
const closeMsMax = 1000;

/** Where a name has several addresses and none answers, only the code of the error says something. */
function wordsOf(error: Error & { readonly code?: string | number }): string {
  return error.message === "" ? `cannot connect (${error.code ?? "unknown"})` : error.message;
}

/** Keeps the library from acknowledging (M1). It goes nowhere. */
const laterAcknowledged = new Error("acknowledged once it is on disk");

function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    run();
  };
}
