import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Where the thread behind listens: out of reach of everybody but its own user. */
export interface SocketPlace {
  readonly path: string;
  remove(): void;
}

/** A Unix socket in a folder of its own; a named pipe on Windows. Short, since a socket's path has 108 bytes at most. */
export function makeSocketPlace(): SocketPlace {
  if (process.platform === "win32")
    return { path: `\\\\.\\pipe\\freshet-${process.pid}-${Date.now()}`, remove: () => {} };
  const path = join(mkdtempSync(join(tmpdir(), "freshet-")), "http.sock");
  return { path, remove: () => rmSync(dirname(path), { recursive: true, force: true }) };
}
