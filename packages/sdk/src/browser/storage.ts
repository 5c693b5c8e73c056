/** Somewhere that outlives the page. Never throws. */
export interface Place {
  get(key: string): string | null | undefined;
  /** Null removes it. */
  set(key: string, text: string | null): void;
}

/** A place that tells what it has. */
export interface Store extends Place {
  /** In their order. */
  keys(prefix: string): readonly string[];
}

/** `localStorage`, where the browser lets a page use it; else it has nothing and forgets everything. */
export function openStore(): Store {
  let storage: Storage | undefined;
  try {
    storage = localStorage;
  } catch {
    // Asking alone throws where storage is blocked.
  }
  return {
    get: (key) => storage?.getItem(key),
    set(key, text) {
      try {
        if (text) storage?.setItem(key, text);
        else storage?.removeItem(key);
      } catch {
        // Full: what the page knows stays in its memory.
      }
    },
    keys: (prefix) =>
      Object.keys(storage ?? {})
        .filter((key) => key.startsWith(prefix))
        .sort(),
  };
}

/** One text that is remembered of a visitor: in the place while it may be, else as long as the page. */
export interface Memory {
  read(): string | null;
  write(text: string): void;
}

export function openMemory(place: Place, key: string, isAllowed = () => true): Memory {
  let here: string | null = null;
  return {
    read: () => (isAllowed() && place.get(key)) || here,
    write(text) {
      here = text;
      if (isAllowed()) place.set(key, text);
    },
  };
}
