/** Clients of other languages, each in a process of its own. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { fetchJavaClient, fetchPythonClient } from "../clients/fetch.ts";
import type { Account, Client, ClientOptions } from "./client.ts";

export function openPython(options: ClientOptions & { readonly gzip: boolean }): Client {
  const script = fileURLToPath(new URL("../clients/drive.py", import.meta.url));
  return openProcess(fetchPythonClient(), [script, JSON.stringify(options)]);
}

export function openJava(options: ClientOptions): Client {
  const source = fileURLToPath(new URL("../clients/Drive.java", import.meta.url));
  return openProcess("java", ["-cp", fetchJavaClient(), source, JSON.stringify(options)]);
}

/** A client in a process of its own: calls go in as lines, accounts come out as lines. */
function openProcess(program: string, args: readonly string[]): Client {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = new Promise<never>((_resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`"${program}" ended with ${code}: ${said}`)));
  });
  ended.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = (command: unknown) => child.stdin.write(`${JSON.stringify(command)}\n`);
  return {
    send: (calls) => calls.forEach(say),
    async settle() {
      say("flush");
      const { value } = await Promise.race([lines.next(), ended]);
      return JSON.parse(value as string) as Account;
    },
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended.catch(() => {});
      clearTimeout(timer);
    },
  };
}
