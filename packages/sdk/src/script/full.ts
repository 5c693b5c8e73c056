import { cartOf, startAuto, type Tracker } from "../auto/index.ts";
import { openClient } from "../browser/client.ts";
import { showPlacements } from "../browser/placements.ts";
import { start } from "./start.ts";

start((options) => {
  const { decideMs, auto } = options;
  const client = openClient(options);
  const tracker = client.freshet as unknown as Tracker;
  Object.assign(client.freshet, { cart: cartOf(tracker) });
  showPlacements(client.freshet, { ...(decideMs === undefined ? {} : { budgetMs: decideMs }) });
  // Behind the calls that the page made before this script was there: a consent among them.
  if (auto !== false) queueMicrotask(() => startAuto(tracker, autoOptions(options)));
  return client;
});

/** `data-auto-video="false"` leaves one part out, `data-auto="false"` all of them. */
function autoOptions(options: { readonly [option: string]: unknown }): object {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => {
      const part = /^auto([A-Z])(.*)/.exec(name);
      return part === null ? [] : [[`${part[1]?.toLowerCase()}${part[2]}`, value]];
    }),
  );
}
