import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { fetchPython } from "./fetch.ts";

/** Confluent's Python client as a process: answers commands one after another. */
export interface PythonClient {
  ask(command: object): Promise<unknown>;
  close(): void;
}

export function startPython(url: string, userInfo: string): PythonClient {
  const script = fileURLToPath(new URL("./client.py", import.meta.url));
  const child = spawn(fetchPython(), [script, url, userInfo], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  const askNow = async (command: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`Python ended: ${errors}`);
    const said = JSON.parse(value) as { readonly answer?: unknown; readonly error?: string };
    if (said.error !== undefined) throw new Error(`${said.error}\n${errors}`);
    return said.answer;
  };
  return {
    ask(command) {
      const answer = last.then(() => askNow(command));
      last = answer.catch(() => {});
      return answer;
    },
    close: () => void child.kill(),
  };
}
