import { WebSocket } from "ws";
import { eventually } from "../process/support/client.ts";

// biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field, which is the check.
export type Frame = any;

export interface Client {
  readonly socket: WebSocket;
  /** Every frame that came, oldest first. */
  readonly frames: Frame[];
  /** Code and reason of the end. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(frame: unknown): void;
  /** Waits for the first frame that has this field. */
  frame(field: string): Promise<Frame>;
  /** Waits until this message is acknowledged. */
  ack(seq: number): Promise<Frame>;
}

export interface Place {
  readonly port: number;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Connects; rejects with the status where the server refuses the upgrade. */
export function connectSocket({ port, query = "", headers = {} }: Place): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/socket${query}`, { headers });
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })),
  );
  const find = (what: string, test: (frame: Frame) => boolean) =>
    eventually(`a frame with ${what}`, async () => frames.find(test), 15_000);
  const client: Client = {
    socket,
    frames,
    closed,
    send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    frame: (field) => find(field, (frame) => frame[field] !== undefined),
    ack: (seq) => find(`ack ${seq}`, (frame) => frame.ack === seq),
  };
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(client));
    socket.on("unexpected-response", (_request, response) =>
      reject(new Error(`status ${response.statusCode}`)),
    );
    socket.on("error", reject);
  });
}

/** Connects and says hello. */
export async function joinStream(place: Place, hello: object): Promise<Client> {
  const client = await connectSocket(place);
  client.send({ hello });
  await client.frame("welcome");
  return client;
}
