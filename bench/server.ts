/** The server under test: a process of its own with a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, shopConfig } from "./shape.ts";

export const command = join(root, "packages/freshet/dist/cli/main.js");
/** Those that the command runs with, from its first line. */
export const usualFlags = (/^#!.* node (.*)/.exec(readFileSync(command, "utf8"))?.[1] ?? "").split(
  " ",
);

export const writeKey = "wk_bench";
export const secretKey = "sk_bench";

export interface ServerProcess {
  readonly url: string;
  /** From starting the process to `/readyz`, in milliseconds. */
  readonly startMs: number;
  /** Resident size in MB. */
  memoryMb(): number;
  metrics(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
}

/** Takes the plan's webhooks, outside of the server under test. */
async function startReceiver(): Promise<{ readonly url: string; close(): void }> {
  const receiver = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { port } = receiver.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      receiver.closeAllConnections();
      receiver.close();
    },
  };
}

/** With the settings that the shop has, and these. */
export async function startServer(
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const receiver = await startReceiver();
  const data = mkdtempSync(join(tmpdir(), "freshet-bench-"));
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...(process.env["BENCH_NODE_FLAGS"]?.split(" ") ?? usualFlags),
      command,
      "start",
      "--no-watch",
      "--config",
      shopConfig,
      "--port",
      "0",
      "--data",
      data,
    ],
    {
      env: {
        ...process.env,
        FRESHET_WRITE_KEY: writeKey,
        FRESHET_SECRET_KEY: secretKey,
        SHOP_TRAFFIC: "0",
        SHOP_CRM_URL: receiver.url,
        FRESHET_LOG_LEVEL: "warn",
        ...environment,
      },
      stdio: ["ignore", "pipe", "inherit"],
      cwd: root,
    },
  );
  const url = await addressOf(child);
  while (!(await isReady(url))) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    url,
    startMs: performance.now() - began,
    memoryMb: () => residentMb(child.pid ?? 0),
    metrics: () => readMetrics(url),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      receiver.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** What `measureThroughput` and `measureLatencies` need of a server. */
export type LoadedServer = Pick<ServerProcess, "url" | "metrics" | "stop">;

/** See `bare.ts`. */
export async function startBareServer(): Promise<LoadedServer> {
  const folder = mkdtempSync(join(tmpdir(), "freshet-bench-"));
  const child = spawn(
    process.execPath,
    [join(root, "bench", "bare.ts"), join(folder, "events.log")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const url = await addressOf(child);
  return {
    url,
    metrics: () => readMetrics(url),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const found = /https?:\/\/[\w.:[\]]+(?=\/metrics)/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}: ${text}`)));
  });
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

function residentMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const found = /^(\w+)(?:\{[^}]*\})? ([0-9.e+-]+)$/.exec(line);
    if (found?.[1] !== undefined) values.set(found[1], Number(found[2]));
  }
  return values;
}
