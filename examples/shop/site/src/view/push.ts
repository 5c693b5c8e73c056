import { plural } from "../format.ts";
import { num, text } from "../json.ts";
import type { Live, Push } from "../live/live.ts";
import type { Toaster } from "./toast.ts";

/** Says in one sentence why the page changed under the visitor's eyes. */
export function tellPush(live: Live, toasts: Toaster): void {
  live.pushes.watch((push) => push && toasts.tell(sentence(push)));
}

/** The plan chooses the fields of a push; the sentence uses those it knows. */
function sentence(push: Push): string {
  const own = text(push.message) || text(push.text);
  if (own !== "") return own;
  const category = text(push.category);
  const views = num(push.views) ?? num(push.count);
  if (category !== "" && views !== undefined) {
    return `The shop changed because you viewed ${views} × ${category}`;
  }
  if (category !== "") return `The shop changed because you like ${category}`;
  const orders = num(push.orders);
  if (orders !== undefined) return `The shop changed because you placed ${plural(orders, "order")}`;
  const became = /^became(\w+)$/.exec(text(push.rule))?.[1];
  if (became !== undefined) return `The shop changed because you are ${became.toLowerCase()} now`;
  return `The shop changed: rule “${text(push.rule, "unnamed")}” fired`;
}
