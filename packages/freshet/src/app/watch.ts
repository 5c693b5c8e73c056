import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";

export interface Watched {
  readonly files: readonly string[];
  /** Table files, relative to `folder`. */
  readonly tables: readonly string[];
  readonly folder: string;
}

/** Time in which several saves count as one. */
const gatherMs = 150;

/**
 * Calls back after any of the files was saved, one call at a time. Folders are watched rather than files, because
 * editors replace a file when they save it.
 */
export function watchFiles(watched: Watched, onSaved: () => Promise<void>): () => void {
  const paths = [
    ...watched.files,
    ...watched.tables.map((file) => resolve(watched.folder, file)),
  ].filter((path) => !path.includes("node_modules") && !path.includes("/dist/"));
  const namesOf = new Map<string, Set<string>>();
  for (const path of paths) {
    const names = namesOf.get(dirname(path)) ?? new Set();
    namesOf.set(dirname(path), names.add(basename(path)));
  }
  const schedule = gathered(onSaved);
  const watchers: FSWatcher[] = [];
  for (const [folder, names] of namesOf) {
    const watcher = watch(folder, (_event, name) => {
      if (name !== null && names.has(name)) schedule();
    });
    // A folder that goes away ends its own watching and nothing else.
    watcher.on("error", () => watcher.close());
    watchers.push(watcher);
  }
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

function gathered(run: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = last.then(run);
    }, gatherMs);
    timer.unref();
  };
}
