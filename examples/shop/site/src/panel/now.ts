import { h, show } from "../dom.ts";
import { ago, duration, label, plural } from "../format.ts";
import type { Live } from "../live/live.ts";
import type { Profile, Session } from "../live/profile.ts";
import { featuresView } from "./features.ts";
import type { Section } from "./panel.ts";
import { shortText } from "./value.ts";

/** Ages are read again this often; everything else moves when the profile does. */
const AGE_MS = 5000;
/** As long as the longest flash in the style sheet. */
const FLASH_MS = 1400;

export function nowSection(live: Live): Section {
  const element = h("div", { class: "now" });
  let shownVersion = 0;
  let movedAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    const profile = live.profile.get();
    const now = performance.now();
    if (profile && shownVersion !== 0 && profile.version !== shownVersion) movedAt = now;
    shownVersion = profile?.version ?? 0;
    // Drawing anew would start the flash again; a negative delay lets it go on where it was.
    element.style.setProperty("--since", `${Math.round(movedAt - now)}ms`);
    const moved = now - movedAt < FLASH_MS;
    show(element, profile ? profileView(profile, { moved }) : waiting(live));
  };
  live.profile.watch(draw);
  live.state.watch(draw);
  setInterval(() => element.isConnected && !document.hidden && draw(), AGE_MS);
  return { element };
}

const waiting = (live: Live): HTMLElement =>
  live.state.get() === "offline"
    ? h(
        "div",
        { class: "notice" },
        h("strong", null, "Freshet does not answer"),
        h("p", null, "The shop shows its fallback and sells on. The panel tries again by itself."),
      )
    : h("p", { class: "empty" }, "Connecting …");

function profileView(
  profile: Profile,
  { moved }: { readonly moved: boolean },
): readonly HTMLElement[] {
  const started = profile.version > 0 || Object.keys(profile.features).length > 0;
  const parts = [card(profile, moved)];
  if (!started) {
    return [
      ...parts,
      h("p", { class: "empty" }, "Nothing yet. The profile begins with the first event."),
    ];
  }
  return [
    ...parts,
    segmentsView(profile.segments),
    ...featuresView(profile.features, moved ? profile.changed : []),
    ...(profile.session ? [sessionView(profile.session)] : []),
  ];
}

function card(profile: Profile, moved: boolean): HTMLElement {
  const { profileId, version, traits, identifiers } = profile;
  const about = Object.entries(traits).filter(([, value]) => typeof value !== "object");
  return h(
    "section",
    { class: "identity" },
    h(
      "div",
      { class: "identity-top" },
      h("code", { title: profileId }, short(profileId)),
      h("span", { class: moved ? "version moved" : "version", title: "Version" }, `v${version}`),
    ),
    about.length > 0 &&
      h(
        "dl",
        { class: "traits" },
        about.map(([name, value]) =>
          h("div", null, h("dt", null, label(name)), h("dd", null, shortText(value))),
        ),
      ),
    identifiers.length > 1 &&
      h(
        "p",
        { class: "parts" },
        `One person, ${plural(identifiers.length, "identifier")}: `,
        identifiers.map((id) => h("code", { title: id }, short(id))),
      ),
  );
}

/** Anonymous ids are long and random: their ends are enough to tell them apart. */
const short = (id: string): string => (id.length > 26 ? `${id.slice(0, 13)}…${id.slice(-6)}` : id);

const segmentsView = (segments: readonly string[]): HTMLElement =>
  h(
    "section",
    null,
    h("h3", null, "Segments"),
    segments.length === 0
      ? h("p", { class: "none" }, "In none yet")
      : h(
          "ul",
          { class: "chips" },
          segments.map((name) => h("li", null, label(name))),
        ),
  );

const sessionView = (session: Session): HTMLElement =>
  h(
    "section",
    null,
    h("h3", null, "Session"),
    h(
      "p",
      { class: "session" },
      `${plural(session.events, "event")} in ${duration(session.lastAt - session.startedAt)}, `,
      `the last ${ago(session.lastAt, Date.now())}`,
    ),
  );
