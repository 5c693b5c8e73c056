import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Lets go of connections when the server closes. Node's own `closeIdleConnections` knows only those that have
 * carried a request, and clients open others ahead of need: each would hold the end back until it times out.
 *
 * - C1 a connection without a request under way is closed, whether it ever carried one or not.
 * - C2 a request under way is answered, and then C1 holds.
 * - C3 after `msMax` whatever is left is cut.
 */
export function drainer(server: Server, msMax: number): () => void {
  const connections = new Map<Socket, Connection>();
  server.on("connection", (socket: Socket) => {
    connections.set(socket, { requests: 0, bytesAnswered: 0 });
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", ({ socket }, response) => {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.requests++;
    response.once("close", () => {
      connection.requests--;
      connection.bytesAnswered = socket.bytesRead;
    });
  });
  return () => {
    const closeIdle = () => {
      for (const [socket, connection] of connections)
        if (isIdle(socket, connection)) socket.destroySoon();
    };
    closeIdle();
    // Again and again: answers end, and until the server no longer listens connections still come.
    const sweep = setInterval(closeIdle, sweepMs);
    const end = setTimeout(() => {
      for (const socket of connections.keys()) socket.destroy();
    }, msMax);
    server.once("close", () => {
      clearInterval(sweep);
      clearTimeout(end);
    });
  };
}

interface Connection {
  /** Begun and not answered to the end. */
  requests: number;
  /** What had been read when the last answer ended: more than that is the head of a next request. */
  bytesAnswered: number;
}

const sweepMs = 50;

function isIdle(socket: Socket, { requests, bytesAnswered }: Connection): boolean {
  return requests === 0 && socket.bytesRead === bytesAnswered;
}
