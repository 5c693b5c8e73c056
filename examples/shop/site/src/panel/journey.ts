import { h } from "../dom.ts";
import { duration, label, plural, timeOfDay } from "../format.ts";
import { type Fields, fields, list, num, text } from "../json.ts";
import type { Answer } from "../live/api.ts";
import { shortText } from "./value.ts";

/** One event's way through the system, each step with the time since the one before. */
export function journeyView(journey: Answer | undefined): HTMLElement {
  if (journey === undefined)
    return h("div", { class: "journey" }, h("p", { class: "none" }, "Reading …"));
  if (!journey.ok) {
    return h("div", { class: "journey" }, h("p", { class: "none" }, journey.message));
  }
  const body = fields(journey.body);
  const steps = list(body.steps).map(fields);
  return h(
    "div",
    { class: "journey" },
    h(
      "ol",
      { class: "steps" },
      steps.map((step, i) => stepView(step, num(steps[i - 1]?.at))),
    ),
    h("p", { class: "journey-foot" }, footOf(body)),
  );
}

function stepView(step: Fields, before: number | undefined): HTMLElement {
  const at = num(step.at);
  const details = Object.entries(step).filter(([name]) => name !== "stage" && name !== "at");
  return h(
    "li",
    null,
    h(
      "div",
      { class: "step" },
      h("strong", null, label(text(step.stage, "step"))),
      h("time", null, timeText(at, before)),
    ),
    details.length > 0 &&
      h(
        "p",
        { class: "step-detail" },
        details.map(([name, value]) => h("span", null, `${label(name)} ${shortText(value)}`)),
      ),
  );
}

function timeText(at: number | undefined, before: number | undefined): string {
  if (at === undefined) return "";
  return before === undefined ? timeOfDay(at) : `+${duration(at - before)}`;
}

function footOf(body: Fields): string {
  const again = list(body.duplicates).length;
  const place = `partition ${shortText(body.partition)}, offset ${shortText(body.offset)}`;
  const copies = again === 0 ? "" : `; ${plural(again, "duplicate")} ignored`;
  return `${label(text(body.status, "unknown"))} · ${place}${copies}`;
}
