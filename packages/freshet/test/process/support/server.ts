/**
 * The built program as a process of its own, as users run it. Every process that was started here ends with the
 * process of the tests at the latest.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../../../", import.meta.url));
const program = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
export const shopConfig = fileURLToPath(
  new URL("../../../../../examples/shop/freshet.config.ts", import.meta.url),
);

export const writeKey = "wk_process_test";
export const secretKey = "sk_process_test";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LaunchOptions {
  /** Folder that the command runs in; the repository's root unless said. */
  readonly folder?: string;
  /** Added to an environment without any variable of Freshet or of the shop. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** Largest file that the process may write: a stand-in for a full disk. In blocks of 1 KiB. */
  readonly fileKilobytesMax?: number;
}

/** A process that was started; it may not be ready, and it may end by itself. */
export interface Launched {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** What it wrote so far. */
  output(): string;
  /** Resolves with what a pattern found in the output; fails when the process ends without it. */
  wrote(pattern: RegExp, msMax?: number): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<Exit>;
}

export interface Running extends Launched {
  readonly url: string;
  readonly port: number;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<Exit>;
}

const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** Runs a verb without waiting for anything. */
export function launch(args: readonly string[], options: LaunchOptions = {}): Launched {
  if (!existsSync(program)) throw new Error(`"${program}" is missing: run npm run build first`);
  const { fileKilobytesMax, nodeFlags = [] } = options;
  const command = [process.execPath, ...nodeFlags, program, ...args];
  const limited = ["bash", "-c", `ulimit -S -f ${fileKilobytesMax}; exec "$@"`, "bash", ...command];
  const [file = "", ...rest] = fileKilobytesMax === undefined ? command : limited;
  const child = spawn(file, rest, {
    cwd: options.folder ?? root,
    env: { ...plainEnvironment(), ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return follow(child);
}

/** A variable of the tests must not become one of the server, which refuses those that it does not know. */
function plainEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(FRESHET_|SHOP_|VITEST|NODE_OPTIONS$|NODE_ENV$)/.test(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""]));
}

function follow(child: ChildProcess): Launched {
  alive.add(child);
  let text = "";
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      changed();
    });
  let ended: Exit | null = null;
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on("error", reject);
    // `close` comes after the last output, `exit` may come before it.
    child.on("close", (code, signal) => {
      alive.delete(child);
      ended = { code, signal };
      resolve(ended);
      changed();
    });
  });
  return {
    pid: child.pid ?? -1,
    exited,
    output: () => text,
    wrote: (pattern, msMax = 20_000) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          act();
        };
        const look = () => {
          const found = pattern.exec(text);
          if (found !== null) settle(() => resolve(found));
          else if (ended !== null)
            settle(() => reject(new Error(`ended with ${JSON.stringify(ended)}:\n${text}`)));
        };
        const late = () => reject(new Error(`no ${pattern} in ${msMax} ms:\n${text}`));
        const timer = setTimeout(() => settle(late), msMax);
        listeners.add(look);
        look();
      }),
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill("SIGKILL");
      return exited;
    },
  };
}

export interface StartOptions extends LaunchOptions {
  readonly data: string;
  /** The shop's unless said. */
  readonly config?: string;
  readonly port?: number;
  readonly watch?: boolean;
}

/** `freshet start` on a free port, with keys that tests know. */
export function launchServer(options: StartOptions): Launched {
  const { data, config = shopConfig, port = 0, watch = false } = options;
  const args = ["start", "--config", config, "--port", String(port), "--data", data];
  const environment = {
    FRESHET_WRITE_KEY: writeKey,
    FRESHET_SECRET_KEY: secretKey,
    FRESHET_LOG_LEVEL: "warn",
    SHOP_TRAFFIC: "0",
    ...options.environment,
  };
  return launch(watch ? args : [...args, "--no-watch"], { ...options, environment });
}

/** Waits until it listens. */
export async function whenRunning(launched: Launched): Promise<Running> {
  const found = await launched.wrote(/Metrics\s+(http:\/\/[\d.]+:(\d+))\/metrics[\s\S]*Stop with/);
  return {
    ...launched,
    url: found[1] ?? "",
    port: Number(found[2]),
    async stop() {
      launched.signal("SIGTERM");
      return launched.exited;
    },
  };
}

export const startServer = (options: StartOptions): Promise<Running> =>
  whenRunning(launchServer(options));

/** Runs a verb to its end. */
export async function runVerb(
  args: readonly string[],
  options: LaunchOptions = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const launched = launch(args, options);
  const { code } = await launched.exited;
  return { code, output: launched.output() };
}
