/**
 * Devices over a real broker, Debian's mosquitto, and the built program: what they publish is counted once, whatever
 * is killed. Needs `mosquitto` and `mosquitto_pub`; run by `npm run test:real`.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, connectAsync, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mqttSource } from "../../src/adapters/source/mqtt.ts";
import type { SourceMessage } from "../../src/engine/port/source.ts";
import { sourceContract } from "../../src/testing/contract/source.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import {
  eventually,
  ledgerOf,
  missingIn,
  readMetrics,
  readProfile,
} from "../process/support/client.ts";
import { makeFolder, type TestFolder } from "../process/support/folder.ts";
import { type Running, root, runVerb, startServer } from "../process/support/server.ts";
import { type Broker, mosquittoPub, startBroker } from "./mosquitto.ts";
import { startProxy } from "./tcp-proxy.ts";

const config = `${root}examples/devices/freshet.config.ts`;

let shared: Broker;
beforeAll(async () => {
  shared = await startBroker();
});
afterAll(() => shared.remove());

let session = 0;
sourceContract("mqtt", async () => {
  const clientId = `contract-${++session}`;
  const topic = `contract/${session}`;
  const proxy = await startProxy(shared.port);
  const publisher = await connectAsync(shared.url);
  // The session begins with its first subscription; what is published before it is nobody's.
  const opening = await connectAsync(shared.url, { clientId, clean: false });
  await opening.subscribeAsync(topic, { qos: 1 });
  await opening.endAsync();
  return {
    make: ({ inFlightMax, knownIds }) =>
      mqttSource({
        ...{ name: "contract", clientId, qos: 1, filters: [topic], takesRetained: false, connect },
        url: `mqtt://127.0.0.1:${proxy.port}`,
        limits: { reconnectMsMin: 20, ...(inFlightMax === undefined ? {} : { inFlightMax }) },
        ...(knownIds === undefined ? {} : { knownIds }),
      }),
    publish: async (payloads) => {
      for (const payload of payloads) await publisher.publishAsync(topic, payload, { qos: 1 });
    },
    dropConnections: async () => proxy.drop(),
    remove: async () => {
      await publisher.endAsync(true);
      await proxy.close();
    },
  };
});

describe("devices", () => {
  let broker: Broker;
  let folder: TestFolder;
  let freshet: Running | undefined;
  let publisher: MqttClient;
  beforeEach(async () => {
    broker = await startBroker();
    folder = await makeFolder();
    publisher = await connectAsync(broker.url, { reconnectPeriod: 50 });
  });
  afterEach(async () => {
    await freshet?.kill();
    await publisher.endAsync(true);
    await broker.remove();
    await folder.remove();
  });
  const start = async () => {
    freshet = await startServer({
      ...{ config, data: folder.path, environment: { MQTT_URL: broker.url } },
    });
    const { url } = freshet;
    await eventually("a connection", async () => (await metric(url, "connected")) === 1);
    return freshet;
  };
  const metric = async (url: string, name: string) =>
    (await readMetrics(url)).get(`freshet_feed_${name}{feed="house"}`);
  const ledger = async (url: string) => {
    const found = ledgerOf(await readMetrics(url));
    expect(missingIn(found)).toBe(0);
    return found;
  };
  const applied = (url: string, count: number) =>
    eventually(`${count} events`, async () => (await ledger(url)).applied >= count, 60_000);
  const features = async (url: string, profile: string) =>
    (await readProfile(url, profile)).body.features ?? {};

  it("of mosquitto_pub become profiles, by topic and payload, at QoS 0, 1 and 2", async () => {
    const { url } = await start();
    const { port } = broker;
    for (const qos of ["0", "1", "2"]) {
      await mosquittoPub(port, "house/h1/kitchen/temperature", `2${qos}.5`, ["-q", qos]);
      const event = JSON.stringify({ event_type: "Door Opened", metadata: { door: "front" } });
      await mosquittoPub(port, "house/h1/events", event, ["-q", qos]);
      await mosquittoPub(port, "house/h2/segment", '{"type":"track","event":"Door Opened"}', [
        "-q",
        qos,
      ]);
    }
    await applied(url, 9);
    expect(await features(url, "anon:h1")).toMatchObject({
      readings: 3,
      warmest: 22.5,
      openings: 3,
    });
    expect(await features(url, "anon:h2")).toMatchObject({ openings: 3 });
    expect(await ledger(url)).toMatchObject({ received: 9, applied: 9, duplicate: 0, rejected: 0 });
    const health = (await (await fetch(`${url}/healthz`)).json()) as unknown;
    expect(health).toEqual({ status: "alive", feeds: [{ name: "house", isConnected: true }] });
  });

  it("that publish what cannot be read leave dead letters, and what is retained or empty is ignored", async () => {
    await publisher.publishAsync("house/h1/kitchen/temperature", "19", { qos: 1, retain: true });
    const { url } = await start();
    const bad: [string, string | Buffer][] = [
      ["house/h1/events", "{ no json"],
      ["house/h1/events", "[1, 2]"],
      ["house/h1/events", '"text"'],
      ["house/h1/events", Buffer.from([0xff, 0xfe])],
      ["house/h1/kitchen/temperature", "warm"],
      ["house/h1/events", "x".repeat(1024 * 1024 + 1)],
    ];
    for (const [topic, payload] of bad) await publisher.publishAsync(topic, payload, { qos: 1 });
    await publisher.publishAsync("house/h1/kitchen/temperature", "", { qos: 1, retain: true });
    await publisher.publishAsync("house/h1/kitchen/temperature", "20", { qos: 1 });
    await applied(url, 1);
    expect(await ledger(url)).toMatchObject({ applied: 1, rejected: 7 });
    expect(await metric(url, "ignored_total")).toBe(2);
    expect(await features(url, "anon:h1")).toMatchObject({ readings: 1, celsius: 20 });
    await eventually("all acknowledged", async () => (await metric(url, "in_flight")) === 0);
  });

  it(
    "that publish 10,000 messages without an id are counted once each, through kills of Freshet and of the broker",
    {
      timeout: 300_000,
    },
    () =>
      withSeed(import.meta.url, async (seed) => {
        const random = randomOf(seed);
        let running = await start();
        const pace = new Pace();
        const sent = publishAll(publisher, 10_000, { random: random.fork(), pace });
        // What broker and Freshet go through while devices publish.
        for (const blow of ["kill", "broker", "kill", "kill", "stop", "kill"]) {
          await sleep(150 + random.below(400));
          if (blow === "broker") {
            await broker.stop();
            await sleep(random.below(300));
            await broker.start();
            continue;
          }
          if (blow === "kill") await running.kill();
          else expect(await running.stop()).toEqual({ code: 0, signal: null });
          await sleep(random.below(500));
          running = await start();
        }
        const byHouse = await sent;
        await applied(running.url, 10_000);
        await eventually(
          "all acknowledged",
          async () => (await metric(running.url, "in_flight")) === 0,
        );
        await sleep(300);
        const last = await ledger(running.url);
        console.log(`10,000 published, ${last.duplicate} came again`);
        expect(last).toMatchObject({ applied: 10_000, rejected: 0 });
        for (const [house, count] of byHouse)
          expect([house, (await features(running.url, `anon:${house}`)).readings]).toEqual([
            house,
            count,
          ]);
      }),
  );

  it("are counted once where Freshet is killed with messages on disk and not acknowledged", async () => {
    // The proxy lets nothing back to the broker, so no acknowledgement arrives, and each message comes again.
    const proxy = await startProxy(broker.port);
    const environment = { MQTT_URL: `mqtt://127.0.0.1:${proxy.port}` };
    const first = await startServer({ ...{ config, data: folder.path, environment } });
    freshet = first;
    await eventually("a connection", async () => (await metric(first.url, "connected")) === 1);
    await sleep(200);
    proxy.mute();
    for (let count = 0; count < 20; count++)
      await publisher.publishAsync("house/h9/attic/temperature", "7", { qos: 1 });
    await eventually("the log has some", async () => (await ledger(first.url)).applied >= 10);
    const before = (await ledger(first.url)).applied;
    await first.kill();
    await proxy.close();
    const { url } = await start();
    await eventually("what came again", async () => (await ledger(url)).duplicate >= before);
    await applied(url, 20);
    expect(await ledger(url)).toMatchObject({ applied: 20, duplicate: before });
    expect(await features(url, "anon:h9")).toMatchObject({ readings: 20 });
  });

  it("find a broker that is away at the start later, and doctor says how it is", async () => {
    await broker.stop();
    const environment = { MQTT_URL: broker.url };
    freshet = await startServer({ ...{ config, data: folder.path, environment } });
    const { url } = freshet;
    expect(await metric(url, "connected")).toBe(0);
    const doctor = () =>
      runVerb(["doctor", "--config", config, "--data", folder.path], { environment });
    expect((await doctor()).output).toMatch(/WRONG mqtt "house": nothing answers at 127\.0\.0\.1/);
    await broker.start();
    await eventually("a connection", async () => (await metric(url, "connected")) === 1, 30_000);
    expect((await doctor()).output).toMatch(/ok +mqtt "house": 127\.0\.0\.1:\d+ answers/);
    await eventually("a subscription", async () => {
      await publisher.publishAsync("house/h1/events", '{"event_type":"Door Opened"}', { qos: 1 });
      return (await ledger(url)).applied > 0;
    });
  });
});

describe("retained messages", () => {
  it("are taken where they are asked for, under one id at every subscription", async () => {
    const publisher = await connectAsync(shared.url);
    await publisher.publishAsync("kept/a", "19", { qos: 1, retain: true });
    const idsOf = async (clientId: string) => {
      const ids: (string | null)[] = [];
      const source = mqttSource({
        ...{ name: "kept", url: shared.url, clientId, qos: 1, filters: ["kept/#"], connect },
        takesRetained: true,
      });
      await source.start({
        receive: ({ id, acknowledge }) => {
          ids.push(id);
          acknowledge();
        },
        problem: () => {},
      });
      await eventually("a message", async () => ids.length > 0);
      await source.close();
      return ids;
    };
    const [first, second] = [await idsOf("kept-1"), await idsOf("kept-2")];
    expect(first).toEqual([expect.stringMatching(/^mqtt-retained-[0-9a-f]{16}$/)]);
    expect(second).toEqual(first);
    await publisher.endAsync(true);
  });
});

describe("a broker that asks who is there", () => {
  it("is reached with a password and over TLS, and what is wrong is said without the password", async () => {
    const folder = await makeFolder();
    const files = makeCertificates(folder.path);
    execFileSync("mosquitto_passwd", ["-b", "-c", files.passwords, "freshet", "right"]);
    const broker = await startBroker(
      ["allow_anonymous false", `password_file ${files.passwords}`],
      [`cafile ${files.ca}`, `certfile ${files.cert}`, `keyfile ${files.key}`],
    );
    const open = (password: string, ca: Buffer) => {
      const problems: string[] = [];
      const received: string[] = [];
      const source = mqttSource({
        ...{
          name: "secure",
          clientId: "secure",
          qos: 1,
          filters: ["t"],
          takesRetained: true,
          connect,
        },
        ...{ url: `mqtts://localhost:${broker.port}`, username: "freshet", password, ca },
        limits: { reconnectMsMin: 20 },
      });
      const receive = (message: SourceMessage) => {
        received.push(Buffer.from(message.payload).toString());
        message.acknowledge();
      };
      const started = source.start({ receive, problem: (text) => problems.push(text) });
      return { source, problems, received, started };
    };
    const ca = readFileSync(files.ca);
    const good = open("right", ca);
    const wrong = open("wrong", ca);
    const stranger = open("right", readFileSync(makeCertificates(folder.path, "other").ca));
    try {
      await eventually("a connection", async () => good.source.status().isConnected);
      const login = ["--cafile", files.ca, "-u", "freshet", "-P", "right", "-q", "1"];
      await eventually("a message", async () => {
        await mosquittoPub(broker.port, "t", "hello", [...login, "-h", "localhost"]);
        return good.received.includes("hello");
      });
      await eventually("a refusal", async () => wrong.problems.length > 0);
      await eventually("an alarm", async () => stranger.problems.length > 0);
      expect(wrong.problems.join()).toMatch(/not authori[sz]ed|bad user name/i);
      expect(wrong.problems.join()).not.toContain("wrong");
      expect(wrong.problems.filter((text) => /authori[sz]ed|bad user/i.test(text)).length).toBe(1);
      expect(stranger.problems.join()).toMatch(/certificate|self[- ]signed/i);
      expect([wrong.source.status().isConnected, stranger.source.status().isConnected]).toEqual([
        false,
        false,
      ]);
    } finally {
      for (const { source } of [good, wrong, stranger]) await source.close();
      await broker.remove();
      await folder.remove();
    }
  });
});

describe("a process without the client library", () => {
  it("does not start with a broker in its configuration, says what to install, and doctor does too", async () => {
    const folder = await makeFolder();
    const hook = `${folder.path}/no-mqtt.mjs`;
    writeFileSync(
      hook,
      `import { registerHooks } from "node:module";
       registerHooks({ resolve(name, context, next) {
         if (name !== "mqtt") return next(name, context);
         throw Object.assign(new Error("it is not there"), { code: "ERR_MODULE_NOT_FOUND" });
       } });`,
    );
    const environment = { NODE_OPTIONS: `--import=${hook}` };
    const place = ["--config", config, "--data", `${folder.path}/data`];
    for (const verb of ["start", "doctor"]) {
      const { code, output } = await runVerb([verb, ...place], { environment });
      expect([verb, code === 0]).toEqual([verb, false]);
      expect(output).toContain("its client library is not installed");
      expect(output).toContain("npm install mqtt@5");
    }
    await folder.remove();
  });
});

/** A certificate for localhost that signs itself. */
function makeCertificates(folder: string, name = "own") {
  const [key, cert] = [`${folder}/${name}.key`, `${folder}/${name}.crt`];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  execFileSync("openssl", [...made, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
  return { key, cert, ca: cert, passwords: `${folder}/passwords` };
}

/** Many devices of ten houses, equal readings among them; resolves with how many each house has published. */
async function publishAll(
  client: MqttClient,
  count: number,
  { random, pace }: { readonly random: Random; readonly pace: Pace },
): Promise<ReadonlyMap<string, number>> {
  const byHouse = new Map<string, number>();
  let waiting: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const house = `h${random.below(10)}`;
    byHouse.set(house, (byHouse.get(house) ?? 0) + 1);
    const payload = String(18 + random.below(3));
    waiting.push(client.publishAsync(`house/${house}/attic/temperature`, payload, { qos: 1 }));
    if (waiting.length < 50) continue;
    await Promise.all(waiting);
    waiting = [];
    await pace.turn();
    await sleep(random.below(30));
  }
  await Promise.all(waiting);
  pace.end();
  return byHouse;
}

/** Lets a test hold devices back at a moment when nothing of theirs is under way. */
class Pace {
  #isEnded = false;
  #wanted: (() => void) | null = null;
  #held: (() => void) | null = null;

  /** Resolves when the devices are still. */
  async hold(): Promise<void> {
    if (!this.#isEnded) await new Promise<void>((resolve) => (this.#wanted = resolve));
  }

  goOn(): void {
    this.#held?.();
  }

  /** The devices say that nothing is under way. */
  async turn(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === null) return;
    this.#wanted = null;
    await new Promise<void>((resolve) => {
      this.#held = resolve;
      wanted();
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#wanted?.();
  }
}
