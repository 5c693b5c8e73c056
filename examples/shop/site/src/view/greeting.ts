import { h, show } from "../dom.ts";
import type { Live } from "../live/live.ts";
import { firstName, visitor } from "../visitor.ts";

/** What the shop says to members of a segment. The plan names them; the first that fits wins. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/vip|best|high.?value|champion/i, "your standing order of thanks: free delivery, always."],
  [/loyal|returning|repeat|buyer/i, "good to have you back. What you liked is still here."],
  [/cart|abandon/i, "your cart is as you left it."],
  [/lapsed|risk|sleep|win.?back/i, "it has been a while. A few things are new."],
  [/keen|engaged|browser|interested|lover|fan/i, "we put what you have been looking at up front."],
  [/new|first/i, "welcome. Returns are free for a hundred days."],
];

export function greetingView(live: Live): HTMLElement {
  const root = h("p", { class: "greeting", "aria-live": "polite" });
  let shown: string | undefined;
  const draw = (): void => {
    const who = visitor.get();
    const segments = who ? (live.profile.get()?.segments ?? []) : [];
    const words = wordsFor(segments);
    const next = who ? `${firstName(who)}: ${words}` : "";
    if (next === shown) return;
    shown = next;
    root.hidden = who === undefined;
    show(root, who && h("strong", null, `Hello ${firstName(who)}, `), who && words);
  };
  visitor.watch(draw);
  live.profile.watch(draw);
  return root;
}

function wordsFor(segments: readonly string[]): string {
  for (const [pattern, words] of WORDS) {
    if (segments.some((segment) => pattern.test(segment))) return words;
  }
  return "nice to see you.";
}
