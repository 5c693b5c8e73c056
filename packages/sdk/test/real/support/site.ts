import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A site of somebody else, on another origin than Freshet, whose pages each test writes. */
export interface Site {
  readonly url: string;
  /** Serves this from now on. */
  page(path: string, html: string, headers?: Readonly<Record<string, string>>): void;
  /** Serves whatever the function answers. */
  route(path: string, answer: (request: IncomingMessage, response: ServerResponse) => void): void;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const routes = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    const route = routes.get(path);
    if (route !== undefined) return route(request, response);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    page(path, html, headers = {}) {
      routes.set(path, (_request, response) => {
        response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers });
        response.end(`<!doctype html><title>${path}</title>${html}`);
      });
    },
    route: (path, answer) => void routes.set(path, answer),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A second of silence for each second asked, as a film without pictures: 8 kHz, 8 bits. */
export function silentFilm(seconds: number): Buffer {
  const data = Buffer.alloc(seconds * 8000, 128);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
