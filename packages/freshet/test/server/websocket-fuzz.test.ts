import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { replayCommand, withSeed } from "../../src/testing/seed.ts";
import { eventually } from "../process/support/client.ts";
import { ask, type Fixture, openFixture, writeKey } from "./fixture.ts";
import { listen } from "./socket.ts";
import { connectSocket } from "./socket-client.ts";

const rounds = Number(process.env.FRESHET_RUNS ?? 60);

let fixture: Fixture;
let port = 0;
beforeEach(async () => {
  fixture = await openFixture();
  port = await listen(fixture);
});
afterEach(() => fixture.close());

const right = (seq: number) => ({
  seq,
  events: [{ event_type: "E", user_id: "u", metadata: { seq } }],
});

/** Frames that are nearly right, and some that are nothing. */
function frameOf(random: Random, seq: number): string | Buffer {
  const text = JSON.stringify(right(seq));
  switch (random.below(8)) {
    case 0: {
      const at = random.below(text.length);
      return text.slice(0, at) + String.fromCharCode(random.below(128)) + text.slice(at + 1);
    }
    case 1:
      return text.slice(0, random.below(text.length));
    case 2:
      return Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
    case 3:
      return JSON.stringify({ seq: random.pick([0, -1, 1.5, seq + 2, "1", null]), events: [] });
    case 4:
      return JSON.stringify({
        seq,
        events: random.pick<unknown>([null, {}, 1, [null, 1, [], {}]]),
      });
    case 5:
      return `${"[".repeat(random.below(5000))}`;
    default:
      return text;
  }
}

/** Each ends in its own way; none may hold up the others, and what was acknowledged is in the log. */
async function talk(random: Random, name: string): Promise<number> {
  const client = await connectSocket({ port, query: `?writeKey=${writeKey}` });
  client.socket.on("error", () => {});
  client.send({ hello: { stream: name } });
  const count = 1 + random.below(12);
  for (let seq = 1; seq <= count; seq++) {
    const frame = random.chance(0.8) ? JSON.stringify(right(seq)) : frameOf(random, seq);
    if (client.socket.readyState === client.socket.OPEN) client.socket.send(frame);
  }
  if (random.chance(0.3)) client.socket.terminate();
  else {
    await eventually(
      "all acknowledgements, or the end",
      async () =>
        client.socket.readyState !== client.socket.OPEN ||
        client.frames.some(({ error }) => error !== undefined) ||
        // A frame may be right by chance and have another number: each has its answer all the same.
        client.frames.filter(({ ack }) => ack !== undefined).length === count,
    );
    client.socket.close();
    await client.closed;
  }
  return client.frames
    .filter(({ ack }) => ack !== undefined)
    .reduce((sum, { accepted, rejected }) => sum + accepted + rejected.length, 0);
}

/** Bytes that are no WebSocket frames, behind a right handshake. */
async function garble(random: Random): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.write(
    `GET /v1/socket?writeKey=${writeKey} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n` +
      "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const bytes = Array.from({ length: 50 + random.below(3000) }, () => random.below(256));
  socket.end(Buffer.from(bytes));
  socket.resume();
  await closed;
}

test(
  "random and broken frames end their own connection and nothing else, and the ledger balances",
  () =>
    withSeed(import.meta.url, async (seed) => {
      console.log(replayCommand(seed, import.meta.url));
      const random = randomOf(seed);
      let acknowledged = 0;
      for (let round = 0; round < rounds; round++) {
        const talks = [0, 1, 2].map((at) => talk(random.fork(), `s${round}-${at}`));
        const noise = garble(random.fork());
        acknowledged += (await Promise.all(talks)).reduce((sum, count) => sum + count, 0);
        await noise;
      }
      await eventually("the end of all sockets", async () => {
        const { body } = await ask(fixture, "/metrics");
        return body.includes("freshet_socket_connections 0");
      });
      await fixture.engine.drain();
      const ledger = fixture.engine.ledger();
      expect(ledger.received).toBe(ledger.applied + ledger.duplicate + ledger.rejected);
      expect(ledger.received).toBeGreaterThanOrEqual(acknowledged);
      expect(acknowledged).toBeGreaterThan(0);
      const { body } = await ask(fixture, "/metrics");
      expect(body).toContain("freshet_request_bytes_in_flight 0");
      expect(fixture.lines.filter((line) => line.includes("unexpected error"))).toEqual([]);
    }),
  60_000 + rounds * 500,
);
