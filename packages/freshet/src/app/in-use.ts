import { existsSync } from "node:fs";
import { openLmdbLog } from "../adapters/log/lmdb.ts";
import { LogLockedError } from "../engine/port/errors.ts";
import { logFolder } from "./folder.ts";

/** True while another process has the log of this folder open. */
export async function isInUse(data: string): Promise<boolean> {
  if (!existsSync(logFolder(data))) return false;
  try {
    const log = await openLmdbLog({ folder: logFolder(data) });
    await log.close();
    return false;
  } catch (error) {
    if (error instanceof LogLockedError) return true;
    throw error;
  }
}
