/**
 * One writer per folder (G6, S5), in a way that ends with the process however it ends.
 *
 * The owner listens on a Unix socket (a named pipe on Windows) of its own random name and writes
 * that name into a cell of the environment, which is changed by compare-and-swap inside a write
 * transaction. Whoever comes later connects to the name in the cell: an answer means that the owner
 * lives. The kernel closes the socket on SIGKILL, a stopped or busy process still answers, and
 * unlike a process id the name cannot be mistaken for another's, in another container either.
 * Nothing is decided by a file that may be left over.
 *
 * - O1 The socket listens before its name is in the cell.
 * - O2 The cell is swapped only from what was seen to be dead, so of two that race one wins.
 */
import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";

export interface OwnerCell {
  read(): string | undefined;
  /** Sets the cell if it still holds `expected`; atomic among processes. */
  swap(expected: string | undefined, next: string | undefined): boolean;
}

export interface Ownership {
  release(): Promise<void>;
}

/** The ownership of `folder`, or undefined while another one lives. */
export async function takeOwnership(
  cell: OwnerCell,
  folder: string,
): Promise<Ownership | undefined> {
  const { server, name } = await listen(folder);
  const close = () => closeServer(server);
  try {
    if (!(await takeCell(cell, name, folder))) {
      await close();
      return undefined;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    release: async () => {
      try {
        cell.swap(name, undefined);
      } catch {
        // On a full disk the name stays behind; nobody answers to it any more, so it holds nobody
        // up.
      }
      await close();
    },
  };
}

async function takeCell(cell: OwnerCell, name: string, folder: string): Promise<boolean> {
  for (;;) {
    const owner = cell.read();
    if (owner !== undefined && (await answers(pathOf(owner, folder)))) return false;
    if (!cell.swap(owner, name)) continue;
    if (owner !== undefined) removeLeftover(pathOf(owner, folder));
    return true;
  }
}

/** The kernel's limit is 108 bytes on Linux and 104 on macOS, with a zero at the end. */
const socketPathBytesMax = 103;

/**
 * Names inside the folder are kept relative, so that a moved or copied folder is not taken for the
 * old one.
 */
function chooseName(folder: string): string {
  const name = `owner-${randomBytes(6).toString("hex")}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\freshet-${name}`;
  const file = `${name}.sock`;
  const fits = Buffer.byteLength(join(folder, file)) <= socketPathBytesMax;
  return fits ? file : join(tmpdir(), `freshet-${file}`);
}

function pathOf(name: string, folder: string): string {
  return isAbsolute(name) ? name : join(folder, name);
}

function listen(folder: string): Promise<{ server: Server; name: string }> {
  return new Promise((resolve, reject) => {
    const name = chooseName(folder);
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    // Without `exclusive` a worker of node:cluster would listen in its parent, and outlive itself
    // there.
    server.listen({ path: pathOf(name, folder), exclusive: true }, () => {
      server.unref();
      resolve({ server, name });
    });
  });
}

/**
 * A connection that is refused, or has nowhere to go, proves a dead owner; any other failure does
 * not.
 */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function removeLeftover(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already gone, or a pipe: nothing to tidy up.
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
