import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../process/support/port.ts";

/** Debian's broker, as a process of its own on a free port. */
export interface Broker {
  readonly port: number;
  readonly url: string;
  /** Ends its process, as a machine that is started again does: what it holds is on disk. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** `lines` are more of `mosquitto.conf`, and win; `listener` those of its only listener. */
export async function startBroker(
  lines: readonly string[] = [],
  listener: readonly string[] = [],
): Promise<Broker> {
  const program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find(existsSync);
  if (program === undefined)
    throw new Error("mosquitto is not installed: apt-get install mosquitto");
  const folder = mkdtempSync(join(tmpdir(), "freshet-mosquitto-"));
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  const own = [
    ...[`listener ${port} 127.0.0.1`, ...listener],
    ...(lines.length === 0 ? ["allow_anonymous true"] : []),
    ...["persistence true", `persistence_location ${folder}/`],
    // Otherwise the broker's account of the system, which may not read this folder.
    ...["user root", "max_queued_messages 0", "log_dest none", ...lines],
  ];
  writeFileSync(config, `${own.join("\n")}\n`);
  let child: ChildProcess | null = null;
  const start = async () => {
    child = spawn(program, ["-c", config], { stdio: "ignore" });
    process.once("exit", () => child?.kill("SIGKILL"));
    await answers(port);
  };
  const stop = async () => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGTERM");
    await ended;
  };
  await start();
  return {
    ...{ port, url: `mqtt://127.0.0.1:${port}`, start, stop },
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isUp) return;
    await sleep(25);
  }
  throw new Error(`mosquitto does not listen on ${port}`);
}

/** Debian's `mosquitto_pub`, which publishes one message and ends. */
export async function mosquittoPub(
  port: number,
  topic: string,
  message: string,
  more: readonly string[] = [],
): Promise<void> {
  const args = ["-h", "127.0.0.1", "-p", String(port), "-t", topic, "-m", message, ...more];
  await promisify(execFile)("mosquitto_pub", args);
}
