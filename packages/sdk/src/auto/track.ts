import type { CallOptions } from "../browser/options.ts";

/** What capture needs of a client. Names are fixed here, so that the types of a plan do not matter. */
export interface Tracker {
  track(event: string, properties?: object, options?: CallOptions): void;
  page(properties?: object, options?: CallOptions): void;
}

/** Something that looks at pages until it is stopped. */
export type Stop = () => void;

/** Listens before the client does: what is told as a page ends is part of what leaves with it. */
export function onEvent(
  target: EventTarget,
  names: readonly string[],
  listener: (event: Event) => void,
): Stop {
  for (const name of names)
    target.addEventListener(name, listener, { capture: true, passive: true });
  return () => {
    for (const name of names) target.removeEventListener(name, listener, { capture: true });
  };
}
