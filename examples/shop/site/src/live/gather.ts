/** Work that is asked for more often than it needs to be done. */
export interface Gathered {
  soon(): void;
  now(): void;
  stop(): void;
}

/** Several events of one click arrive together; one question answers all of them. */
const GATHER_MS = 120;

export function gathered(work: () => Promise<void>): Gathered {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const now = (): void => {
    stop();
    void work();
  };
  return {
    now,
    stop,
    soon: () => {
      timer ??= setTimeout(now, GATHER_MS);
    },
  };
}
