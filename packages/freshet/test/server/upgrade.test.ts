import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { giveBack } from "../../src/server/upgrade.ts";
import { eventually } from "../process/support/client.ts";
import { converse } from "./socket.ts";

test("a request that Node cut off for its offer goes through with its whole body", async () => {
  const server = createServer((request, response) => {
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    request.on("end", () => response.end(`${request.url} ${length} ${request.headers.upgrade}`));
  });
  // Without the callback of later versions, as Node 22 does it.
  server.on("upgrade", (request, socket, head) => giveBack(server, { request, socket, head }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { socket, received } = converse((server.address() as AddressInfo).port);
  const body = "x".repeat(300_000);
  const head = `host: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: ${body.length}\r\n`;
  socket.write(`POST /one HTTP/1.1\r\n${head}\r\n${body.slice(0, 100)}`);
  socket.write(body.slice(100));
  await eventually("the first answer", async () => received().includes("/one 300000 undefined"));
  socket.write("GET /two HTTP/1.1\r\nhost: x\r\n\r\n");
  await eventually("the second answer", async () => received().includes("/two 0 undefined"));
  expect(received().match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  socket.destroy();
  server.close();
});
