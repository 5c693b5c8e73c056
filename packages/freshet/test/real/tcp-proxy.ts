import { connect, createServer, type Socket } from "node:net";

/** Stands between a client and a server, to cut or to silence their connections. */
export interface Proxy {
  readonly port: number;
  /** Ends every connection that is open. */
  drop(): void;
  /** From now on nothing of clients reaches the server; what the server says still reaches them. */
  mute(): void;
  close(): Promise<void>;
}

/** In front of a port of this machine. */
export async function startProxy(target: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let isMute = false;
  // Each side ends when the other has, and not before what it said has gone through.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => open.delete(socket));
    }
    client.on("data", (bytes) => {
      if (!isMute) upstream.write(bytes);
    });
    client.on("end", () => upstream.end());
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const drop = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    drop,
    mute: () => {
      isMute = true;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        drop();
      }),
  };
}
