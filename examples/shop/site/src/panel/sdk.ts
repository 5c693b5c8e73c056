import { h, show } from "../dom.ts";
import type { Capture } from "../live/capture.ts";
import { type SdkName, switchSdk } from "../live/sdk.ts";

const NAMES: readonly (readonly [SdkName, string])[] = [
  ["segment", "Segment"],
  ["freshet", "Freshet"],
];

/** Which SDK tells Freshet what happens here. Both speak the same words, so nothing else changes. */
export function sdkSwitch(capture: Pick<Capture, "sdk">): HTMLElement {
  const element = h("div", { class: "sdk-switch", role: "group", "aria-label": "Capture SDK" });
  capture.sdk.watch((now) =>
    show(
      element,
      h("span", null, "Captured by"),
      NAMES.map(([name, title]) =>
        h(
          "button",
          {
            type: "button",
            "aria-pressed": String(name === now),
            click: () => name !== now && switchSdk(name),
          },
          title,
        ),
      ),
    ),
  );
  return element;
}
