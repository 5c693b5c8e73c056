import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const command = join(folder, "..", "..", "packages", "freshet", "dist", "cli", "main.js");
const data = mkdtempSync(join(tmpdir(), "freshet-throughput-"));

let server: ChildProcess | undefined;
afterEach(async () => {
  if (server !== undefined && server.exitCode === null) {
    const ended = new Promise((resolve) => server?.once("exit", resolve));
    server.kill("SIGTERM");
    await ended;
  }
  rmSync(data, { recursive: true, force: true });
});

it("takes events, writes them in Protobuf, and decides with them", async () => {
  const options = ["--config", join(folder, "throughput.config.ts"), "--data", data, "--port", "0"];
  server = spawn(process.execPath, [command, "start", "--no-watch", ...options], {
    env: { ...process.env, FRESHET_WRITE_KEY: "wk_first", FRESHET_SECRET_KEY: "sk_first" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await addressOf(server);
  const taken = await fetch(`${url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("wk_first:")}` },
    body: JSON.stringify([view("p1"), view("p2"), view("p3")]),
  });
  expect(taken.status).toBe(200);
  const schema = await fetch(`${url}/subjects/freshet.log-value/versions/latest`, {
    headers: { authorization: "Bearer sk_first" },
  });
  expect(await schema.json()).toMatchObject({ schemaType: "PROTOBUF" });
  const { receipt } = (await taken.json()) as { readonly receipt: string };
  const decided = await fetch(`${url}/v1/decide`, {
    method: "POST",
    headers: { authorization: "Bearer sk_first", "content-type": "application/json" },
    body: JSON.stringify({ userId: "ana", placements: ["banner"], atLeast: receipt }),
  });
  expect(await decided.json()).toMatchObject({
    stale: false,
    decisions: { banner: { content: { title: "More Ceramics for you" } } },
  });
});

const view = (id: string) => ({
  event_type: "Product Viewed",
  user_id: "ana",
  metadata: { product_id: id, category: "Ceramics" },
});

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const found = /https?:\/\/[\w.:]+(?=\/)/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}: ${text}`)));
  });
}
