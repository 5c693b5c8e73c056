/**
 * What the ways in cost: durable and applied events per second over a socket and in requests of one event, beside
 * batches over HTTP. `node bench/ways.ts`; server and generator share the machine.
 */
import { randomUUID } from "node:crypto";
import { Pool } from "undici";
import { WebSocket } from "ws";
import { measureThroughput, median } from "./load.ts";
import { type ServerProcess, startServer, writeKey } from "./server.ts";
import { batchEvents, makeBatches, makeEvent, randomOf } from "./shape.ts";

export interface Ways {
  /** Events per second, median of the rounds. */
  readonly httpBatch: number;
  readonly httpSingle: number;
  readonly socketBatch: number;
  readonly socketSingle: number;
  readonly rounds: number;
}

export interface WaysOptions {
  readonly rounds?: number;
  readonly seconds?: number;
}

/** Rounds alternate, so that what else the machine does falls on all alike. */
export async function measureWays(options: WaysOptions = {}): Promise<Ways> {
  const { rounds = 3, seconds = 5 } = options;
  const server = await startServer();
  try {
    const batches = makeBatches(500, writeKey);
    const measures = {
      httpBatch: () => measureThroughput(server, batches, seconds),
      httpSingle: () => measureSingle(server, seconds),
      socketBatch: () => measureSocket(server, { seconds, events: batchEvents }),
      socketSingle: () => measureSocket(server, { seconds, events: 1 }),
    };
    const found = { httpBatch: [], httpSingle: [], socketBatch: [], socketSingle: [] } as Record<
      keyof typeof measures,
      number[]
    >;
    await measureThroughput(server, batches, 2);
    for (let round = 0; round < rounds; round++)
      for (const way of Object.keys(measures) as (keyof typeof measures)[])
        found[way].push(await measures[way]());
    return {
      httpBatch: median(found.httpBatch),
      httpSingle: median(found.httpSingle),
      socketBatch: median(found.socketBatch),
      socketSingle: median(found.socketSingle),
      rounds,
    };
  } finally {
    await server.stop();
  }
}

const connections = 64;
const sockets = 8;
/** Below the server's window, so that it is the generator that waits. */
const windowMessages = 128;

/** Until everything that was acknowledged is applied too, as the figure for batches has it. */
async function rateOf(server: ServerProcess, send: () => Promise<number>): Promise<number> {
  const before = await appliedOf(server);
  const began = performance.now();
  const sent = await send();
  while ((await appliedOf(server)) - before < sent)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return sent / ((performance.now() - began) / 1000);
}

async function appliedOf(server: ServerProcess): Promise<number> {
  return (await server.metrics()).get("freshet_events_applied_total") ?? 0;
}

function withoutId(event: object): object {
  const { messageId: _id, ...rest } = event as { readonly messageId: string };
  return rest;
}

function measureSingle(server: ServerProcess, seconds: number): Promise<number> {
  const random = randomOf(11);
  const bodies = Array.from({ length: 2000 }, () => JSON.stringify(withoutId(makeEvent(random))));
  const path = `/v1/beacon?writeKey=${writeKey}`;
  return rateOf(server, async () => {
    const pool = new Pool(server.url, { connections, pipelining: 1 });
    const end = performance.now() + seconds * 1000;
    let sent = 0;
    const run = async () => {
      while (performance.now() < end) {
        const body = bodies[sent++ % bodies.length] as string;
        const answer = await pool.request({ method: "POST", path, body });
        const text = await answer.body.text();
        if (answer.statusCode !== 200) throw new Error(`answer ${answer.statusCode}: ${text}`);
      }
    };
    await Promise.all(Array.from({ length: connections }, run));
    await pool.close();
    return sent;
  });
}

interface SocketLoad {
  readonly seconds: number;
  readonly events: number;
}

function measureSocket(server: ServerProcess, load: SocketLoad): Promise<number> {
  const random = randomOf(13);
  const lists = Array.from({ length: 500 }, () =>
    JSON.stringify(Array.from({ length: load.events }, () => withoutId(makeEvent(random)))),
  );
  return rateOf(server, async () => {
    const sent = await Promise.all(
      Array.from({ length: sockets }, () => stream(server, lists, load)),
    );
    return sent.reduce((sum, messages) => sum + messages * load.events, 0);
  });
}

/** Messages that were sent and acknowledged on one socket. */
function stream(
  server: ServerProcess,
  lists: readonly string[],
  { seconds, events }: SocketLoad,
): Promise<number> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/socket`, {
    perMessageDeflate: false,
  });
  const end = performance.now() + seconds * 1000;
  let seq = 0;
  let acknowledged = 0;
  return new Promise((resolve, reject) => {
    const fill = () => {
      while (seq - acknowledged < windowMessages && performance.now() < end) {
        seq++;
        socket.send(`{"seq":${seq},"events":${lists[seq % lists.length]}}`);
      }
      if (seq === acknowledged) socket.close();
    };
    socket.on("open", () => {
      const hello = { stream: randomUUID(), writeKey, shape: "segment" };
      socket.send(JSON.stringify({ hello }));
    });
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      if (frame.error !== undefined) return reject(new Error(JSON.stringify(frame.error)));
      if (frame.ack !== undefined) {
        if (frame.accepted !== events) return reject(new Error(JSON.stringify(frame)));
        acknowledged = frame.ack;
      }
      fill();
    });
    socket.on("close", () => resolve(acknowledged));
    socket.on("error", reject);
  });
}

if (process.argv[1] === import.meta.filename) {
  const ways = await measureWays({
    rounds: Number(process.env["BENCH_ROUNDS"] ?? 3),
    seconds: Number(process.env["BENCH_SECONDS"] ?? 5),
  });
  const line = (name: string, rate: number) =>
    `${name.padEnd(34)} ${String(Math.round(rate)).padStart(8)} events/s  ${(rate / ways.httpBatch).toFixed(2)}\n`;
  process.stdout.write(
    line(`HTTP, batches of ${batchEvents}`, ways.httpBatch) +
      line(`socket, messages of ${batchEvents}`, ways.socketBatch) +
      line("socket, messages of 1", ways.socketSingle) +
      line("HTTP, requests of 1", ways.httpSingle),
  );
}
