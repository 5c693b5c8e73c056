/**
 * The floor under latencies, run as a program of its own: a server of Node's that reads a batch, has it on disk (in
 * groups, as many as came meanwhile) and answers; a decision is a fixed text. It parses nothing and keeps nothing, so
 * what it takes is what the machine, the network stack and the load generator take.
 */
import { fdatasync, ftruncateSync, openSync, writev } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { batchEvents } from "./shape.ts";

interface Waiting {
  readonly body: Buffer[];
  readonly answer: ServerResponse;
}

/** Batches before the file begins anew, some 250 MB: a round would leave gigabytes. */
const fileBatchesMax = 16_000;

const file = openSync(process.argv[2] ?? "", "a");
const taken = JSON.stringify({ accepted: batchEvents, receipt: "bare" });
const decision = JSON.stringify({ stale: false });
let waiting: Waiting[] = [];
let isWriting = false;
let applied = 0;
let fileBatches = 0;

function answer(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(text);
}

function writeNext(): void {
  const group = waiting;
  waiting = [];
  isWriting = group.length > 0;
  if (!isWriting) return;
  fileBatches += group.length;
  if (fileBatches > fileBatchesMax) {
    ftruncateSync(file);
    fileBatches = group.length;
  }
  writev(
    file,
    group.flatMap(({ body }) => body),
    (failed) => {
      if (failed !== null) throw failed;
      fdatasync(file, (notSynced) => {
        if (notSynced !== null) throw notSynced;
        applied += group.length * batchEvents;
        for (const { answer: response } of group) answer(response, taken);
        writeNext();
      });
    },
  );
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const body: Buffer[] = [];
  request.on("data", (chunk: Buffer) => body.push(chunk));
  request.on("end", () => {
    if (request.url === "/v1/batch") {
      waiting.push({ body, answer: response });
      if (!isWriting) writeNext();
    } else if (request.url === "/v1/decide") answer(response, decision);
    else response.end(`freshet_events_applied_total ${applied}\n`);
  });
}

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics\n`);
});
process.once("SIGTERM", () => process.exit(0));
