import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { routeAt } from "./route/known-path.ts";
import type { Route } from "./route/route.ts";
import type { Upgrade } from "./socket/hub.ts";

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The connection of a request that asked for a WebSocket; its answer belongs to the caller from then on. */
export function takeUpgrade(
  request: IncomingMessage,
  response: ServerResponse,
): Upgrade | undefined {
  const upgrade = upgrades.get(request);
  if (upgrade === undefined) return undefined;
  upgrades.delete(request);
  response.detachSocket(upgrade.socket as Socket);
  return upgrade;
}

/** Whether there is one to take. */
export function isUpgrade(request: IncomingMessage): boolean {
  return upgrades.has(request);
}

/**
 * Only these leave HTTP. Some clients offer HTTP/2 with each request that they make, and go on in HTTP/1.1 where
 * nobody takes it up: with their bodies, which an upgrade would cut off.
 */
export function isWebSocketOffer({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Node before 24.9 asks nobody and cuts every offer off: the request goes through once more, without its offer. */
export function giveBack(server: Server, { request, socket, head }: Upgrade): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (!/^(?:upgrade|connection|http2-settings)$/i.test(rawHeaders[at] ?? ""))
      lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  const written = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  socket.unshift(Buffer.concat([written, head]));
  server.emit("connection", socket);
}

/** Leads requests for a WebSocket through the routes, so that they are checked and refused like all others. */
export function routeUpgrades(app: FastifyInstance, routes: readonly Route[]): void {
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isWebSocketOffer(request)) return giveBack(app.server, { request, socket, head });
    const path = request.url?.split("?")[0] ?? "/";
    // A site may have WebSockets of its own, and answers for its paths itself.
    const isOurs = routeAt(path, routes)?.isUpgraded === true;
    if (!isOurs && app.server.listenerCount("upgrade") > 1) return;
    socket.on("error", () => {});
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once("finish", () => (socket as Socket).destroySoon());
    upgrades.set(request, { request, socket, head });
    app.routing(request, response);
  });
}
