/**
 * The real process, killed while a client sends over a socket: nothing acknowledged is lost, nothing that is sent again
 * counts twice, and the order of the stream is the order of the log (P1, P2, P3).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { replayCommand, withSeed } from "../../src/testing/seed.ts";
import { type Client, connectSocket } from "../server/socket-client.ts";
import { ask, missingIn, readProfile, secret, settled } from "./support/client.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Running, startServer, writeKey } from "./support/server.ts";

const kills = Number(process.env.FRESHET_KILLS ?? 5);
const users = 4;
const perMessage = 3;
const windowMax = 200;

let folder: TestFolder;
let running: Running | undefined;
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(async () => {
  await running?.kill();
  await folder.remove();
});

/** A client by the book: keeps what is not acknowledged, and sends it again after the last word of the server. */
class Sender {
  readonly unacknowledged = new Map<number, readonly object[]>();
  next = 1;
  sentAgain = 0;
  #acknowledged = 0;

  /** Sends until the connection is gone or `until` says so; all that is acknowledged then stays so. */
  async run(port: number, until: () => boolean): Promise<void> {
    const client = await connectSocket({ port, query: `?writeKey=${writeKey}` });
    client.socket.on("error", () => {});
    client.socket.on("message", (data) => this.#hear(JSON.parse(String(data))));
    client.send({ hello: { stream: "till" } });
    const { welcome } = await client.frame("welcome");
    this.#drop(welcome.acknowledged);
    for (const [seq, events] of this.unacknowledged) {
      client.send({ seq, events });
      this.sentAgain++;
    }
    while (isOpen(client) && !until()) {
      while (this.unacknowledged.size < windowMax && !until()) this.#sendNext(client);
      await sleep(1);
    }
    while (isOpen(client) && this.unacknowledged.size > 0) await sleep(5);
    client.socket.terminate();
  }

  #sendNext(client: Client): void {
    const seq = this.next++;
    const events = Array.from({ length: perMessage }, () => ({
      event_type: "Product Viewed",
      user_id: `socket-${seq % users}`,
      metadata: { product_id: "cer-01" },
    }));
    this.unacknowledged.set(seq, events);
    client.send({ seq, events });
  }

  #hear(frame: { readonly ack?: number; readonly accepted?: number }): void {
    if (frame.ack === undefined) return;
    expect(frame.ack).toBe(Math.max(1, this.#acknowledged + 1));
    expect(frame.accepted).toBe(perMessage);
    this.#acknowledged = frame.ack;
    this.unacknowledged.delete(frame.ack);
  }

  #drop(acknowledged: number): void {
    for (const seq of [...this.unacknowledged.keys()])
      if (seq <= acknowledged) this.unacknowledged.delete(seq);
    const [first] = this.unacknowledged.keys();
    this.#acknowledged = (first ?? this.next) - 1;
  }
}

const isOpen = ({ socket }: Client) => socket.readyState === socket.OPEN;

async function run(random: Random): Promise<void> {
  const sender = new Sender();
  for (let kill = 0; kill < kills; kill++) {
    running = await startServer({ data: folder.path });
    const sending = sender.run(running.port, () => false);
    await sleep(100 + random.below(500));
    await running.kill();
    await sending;
  }
  running = await startServer({ data: folder.path });
  const enough = sender.next + 500;
  await sender.run(running.port, () => sender.next >= enough);
  expect(sender.unacknowledged.size).toBe(0);
  const messages = sender.next - 1;
  const ledger = await settled(running.url);
  expect(missingIn(ledger)).toBe(0);
  await checkProfiles(running.url, messages);
  console.log(`${messages} messages, ${sender.sentAgain} of them sent again`);
  expect(sender.sentAgain).toBeGreaterThan(0);
}

async function checkProfiles(url: string, messages: number): Promise<void> {
  for (let user = 0; user < users; user++) {
    const own = Array.from({ length: messages }, (_, at) => at + 1).filter(
      (seq) => seq % users === user,
    );
    const { body } = await readProfile(url, `socket-${user}`);
    expect(body.features.productViews).toBe(own.length * perMessage);
    const list = await ask(`${url}/v1/profiles/socket-${user}/events`, { headers: secret });
    const ids = list.body.events.map(({ messageId }: { messageId: string }) => messageId).reverse();
    const expected = own.flatMap((seq) => [0, 1, 2].map((place) => `till:${seq}:${place}`));
    expect(ids).toEqual(expected.slice(-ids.length));
  }
}

it(
  `keeps order and count of a stream over ${kills} kills of the server`,
  () =>
    withSeed(import.meta.url, async (seed) => {
      console.log(`FRESHET_KILLS=${kills} ${replayCommand(seed, import.meta.url)}`);
      await run(randomOf(seed));
    }),
  60_000 + kills * 15_000,
);
