import { request as ask, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands before a server and reads along: also what an ending page sends, which browsers tell nobody about. */
export interface Tap {
  readonly url: string;
  /** Bodies of requests to the path so far. */
  bodies(path: string): readonly string[];
  close(): Promise<void>;
}

export async function openTap(target: string): Promise<Tap> {
  const seen: { readonly path: string; readonly body: string }[] = [];
  const server = createServer((incoming, answer) => {
    const { url = "/", method, headers } = incoming;
    const onward = ask(target + url, { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer).on("error", () => answer.destroy());
      response.on("error", () => answer.destroy());
    });
    onward.on("error", () => answer.destroy());
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      onward.write(chunk);
    });
    incoming.on("end", () => {
      seen.push({ path: url, body: Buffer.concat(chunks).toString() });
      onward.end();
    });
    incoming.on("error", () => onward.destroy());
    answer.on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    bodies: (path) => seen.flatMap((one) => (one.path === path ? [one.body] : [])),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
