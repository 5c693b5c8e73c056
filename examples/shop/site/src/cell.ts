/** A value that tells who listens when it changes. */
export interface Cell<T> {
  get(): T;
  set(next: T): void;
  /** Calls at once and on every change. */
  watch(listener: (value: T) => void): void;
}

export function cell<T>(first: T): Cell<T> {
  let value = first;
  const listeners: ((value: T) => void)[] = [];
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of listeners) listener(next);
    },
    watch(listener) {
      listeners.push(listener);
      listener(value);
    },
  };
}

/** A cell that survives a reload, unless storage is refused, as in private windows. */
export function storedCell<T>(
  key: string,
  first: T,
  read: (raw: unknown) => T | undefined,
): Cell<T> {
  const inner = cell(load(key, read) ?? first);
  inner.watch((value) => {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Full or forbidden storage costs the memory of a reload, nothing else.
    }
  });
  return inner;
}

function load<T>(key: string, read: (raw: unknown) => T | undefined): T | undefined {
  try {
    const text = localStorage.getItem(key);
    return text === null ? undefined : read(JSON.parse(text));
  } catch {
    return undefined;
  }
}
