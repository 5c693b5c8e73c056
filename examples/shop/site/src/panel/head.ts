import { h, s, show } from "../dom.ts";
import { duration } from "../format.ts";
import type { Live } from "../live/live.ts";
import type { StreamState } from "../live/stream.ts";

const STATE_WORDS: { readonly [State in StreamState]: string } = {
  connecting: "connecting",
  live: "live",
  offline: "not reachable",
};

/** Title, connection, and the figure that the product is about: click to changed profile. */
export function panelHead(live: Live, more: HTMLElement): HTMLElement {
  const state = h("span", { class: "state", role: "status" });
  live.state.watch((now) => {
    state.className = `state ${now}`;
    show(state, STATE_WORDS[now]);
  });
  const latency = h("div", { class: "latency" });
  live.latencies.watch((all) => show(latency, latencyView(all)));
  return h(
    "div",
    { class: "panel-head" },
    h("div", { class: "panel-title" }, h("h2", null, "What Freshet knows"), state),
    latency,
    more,
  );
}

function latencyView(all: readonly number[]): readonly HTMLElement[] | HTMLElement {
  const last = all.at(-1);
  if (last === undefined) {
    return h(
      "p",
      { class: "latency-empty" },
      "Click a product: the profile follows in milliseconds.",
    );
  }
  const [figure = "", unit = ""] = duration(last).split(" ");
  return [
    h(
      "p",
      { class: "latency-figure" },
      h("small", null, "visible after"),
      h("strong", null, figure),
      h("small", null, unit),
    ),
    h("div", { class: "spark", title: "The last clicks, newest right" }, spark(all)),
  ];
}

const BARS = 24;

/** One bar for each of the last clicks, against the slowest of them. */
function spark(all: readonly number[]): SVGElement {
  const most = Math.max(...all, 1);
  return s(
    "svg",
    { viewBox: `0 0 ${BARS * 5} 26`, "aria-hidden": "true" },
    all.map((ms, i) => {
      const height = Math.max(3, (ms / most) * 24);
      const x = (BARS - all.length + i) * 5;
      const newest = i === all.length - 1 ? "newest" : "";
      return s("rect", { x, y: 26 - height, width: 3, height, rx: 1.5, class: newest });
    }),
  );
}
