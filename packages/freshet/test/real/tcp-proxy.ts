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
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        open.delete(socket);
        for (const other of [client, upstream]) other.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (!isMute) upstream.write(bytes);
    });
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
