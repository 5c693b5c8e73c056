import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** An address that stays while servers behind it come and go, as a load balancer's does. */
export interface Gateway {
  readonly url: string;
  /** Null: connections are cut, as by a machine without a server. */
  target(port: number | null): void;
  /**
   * From now on no answer reaches a client. Resolves when the server has answered a request whose head a pattern
   * finds: what it acknowledges is on disk by then, and its client does not know.
   */
  loseAnswers(head: RegExp): Promise<void>;
  close(): Promise<void>;
}

export async function openGateway(): Promise<Gateway> {
  let port: number | null = null;
  let losing: { readonly head: RegExp; readonly lost: () => void } | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (port === null) return void client.destroy();
    const upstream = connect(port, "127.0.0.1");
    let head = "";
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      // A body may come in chunks of its own, behind the head.
      if (/^[A-Z]+ \//.test(text)) head = text;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (losing === null || !losing.head.test(head)) return void client.write(chunk);
      losing.lost();
      cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${own}`,
    target(next) {
      port = next;
      losing = null;
      cutAll();
    },
    loseAnswers: (head) =>
      new Promise((resolve) => {
        losing = { head, lost: resolve };
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cutAll();
      }),
  };
}
