import { h, show } from "../dom.ts";
import { timeOfDay } from "../format.ts";
import { type Fields, fields, list, num, text } from "../json.ts";
import type { Answer } from "../live/api.ts";
import type { Live } from "../live/live.ts";
import { journeyView } from "./journey.ts";
import type { Section } from "./panel.ts";

const EVENTS_MAX = 12;
/** The list is read again when the profile has been quiet for this long, not on every change. */
const QUIET_MS = 250;

/** The last events; a click on one opens its journey. */
export function eventsSection(live: Live): Section {
  const element = h("div", { class: "events" });
  let events: Answer | undefined;
  let open = "";
  let journey: Answer | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const draw = (): void => show(element, eventsView({ events, open, journey, toggle }));

  const load = async (): Promise<void> => {
    const answer = await live.read((id) => `/v1/profiles/${id}/events?limit=${EVENTS_MAX}`);
    events = answer;
    draw();
  };

  const toggle = async (messageId: string): Promise<void> => {
    open = open === messageId ? "" : messageId;
    journey = undefined;
    draw();
    if (open === "") return;
    const answer = await live.read(() => `/v1/events/${encodeURIComponent(messageId)}`);
    if (open !== messageId) return;
    journey = answer;
    draw();
  };

  live.profile.watch((profile) => {
    if (profile === undefined) events = undefined;
    clearTimeout(timer);
    if (element.isConnected) timer = setTimeout(load, QUIET_MS);
  });
  const opened = (): void => {
    draw();
    void load();
  };
  return { element, opened };
}

interface EventsState {
  readonly events: Answer | undefined;
  readonly open: string;
  readonly journey: Answer | undefined;
  readonly toggle: (messageId: string) => void;
}

function eventsView(state: EventsState): HTMLElement {
  const { events } = state;
  if (events === undefined) return h("p", { class: "empty" }, "Reading …");
  if (!events.ok && events.status !== 404) {
    return h(
      "div",
      { class: "notice" },
      h("strong", null, "The events cannot be read"),
      h("p", null, events.message),
    );
  }
  const rows = events.ok ? list(fields(events.body).events).map(fields) : [];
  if (rows.length === 0)
    return h("p", { class: "empty" }, "No events yet. Look at something nice.");
  return h(
    "ol",
    { class: "event-list" },
    rows.map((row) => h("li", null, eventRow(row, state))),
  );
}

function eventRow(row: Fields, { open, journey, toggle }: EventsState): readonly HTMLElement[] {
  const messageId = text(row.messageId);
  const outcome = text(row.outcome, "unknown");
  const at = num(row.at) ?? num(row.time);
  const expanded = open !== "" && open === messageId;
  const button = h(
    "button",
    {
      type: "button",
      class: "event",
      "data-key": messageId,
      "aria-expanded": String(expanded),
      click: () => toggle(messageId),
    },
    h("span", { class: `dot ${outcomeClass(outcome)}`, title: outcome }),
    h("span", { class: "event-name" }, text(row.name, "event")),
    outcome !== "applied" && h("span", { class: "outcome" }, outcome),
    h("time", null, at === undefined ? "" : timeOfDay(at)),
  );
  return expanded ? [button, journeyView(journey)] : [button];
}

const OUTCOMES = ["applied", "duplicate", "rejected", "inFlight", "filtered"];

export const outcomeClass = (outcome: string): string =>
  OUTCOMES.includes(outcome) ? outcome : "unknown";
