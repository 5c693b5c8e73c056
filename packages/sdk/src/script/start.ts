import type { Client } from "../browser/client.ts";
import type { FreshetOptions } from "../browser/options.ts";
import { parseJson } from "../shell/json.ts";

/** A call that was made before the script was there: `[method, arguments, time, resolve]`. */
type EarlyCall = readonly [string, Iterable<unknown>, number, (value: unknown) => void];

interface Page {
  freshet?: { readonly calls?: readonly EarlyCall[] };
  /** What cannot be said in an attribute: functions. */
  readonly freshetOptions?: Partial<FreshetOptions>;
}

export type ScriptOptions = FreshetOptions & { readonly [option: string]: unknown };

/**
 * Makes `window.freshet` of a script tag: `data-write-key` is `writeKey`, and so on. The server is where the script
 * came from unless `data-url` says another.
 */
export function start(open: (options: ScriptOptions) => Client): void {
  const page = globalThis as Page;
  const before = page.freshet;
  // Twice in a page, as tag managers do: the first one stays.
  if (before && !before.calls) return;
  const script = document.currentScript as HTMLScriptElement | null;
  // An attribute that is there is true unless it says something else.
  const said = Object.entries({ ...script?.dataset }).map(([name, text = ""]) => [
    name,
    name === "writeKey" ? text : (parseJson(text || "true") ?? text),
  ]);
  const { freshet, asOf } = open({
    url: new URL(script?.src || location.href).origin,
    ...Object.fromEntries(said),
    ...page.freshetOptions,
  });
  page.freshet = freshet as object;
  const methods = freshet as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, args, time, resolve] of before?.calls ?? [])
    asOf(time, () => resolve(methods[name]?.(...args)));
}
