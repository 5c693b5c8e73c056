import { onEvent, type Stop, type Tracker } from "./track.ts";
import type { Views } from "./views.ts";

/** Shorter stays say nothing. */
const tellMsMin = 1000;

/** How long a view was in sight. It is told whenever sight is lost: there may be no later moment. */
export function captureTime(freshet: Tracker, views: Views): Stop {
  const stops = new Set<Stop>();
  views.each((page) => {
    let since = document.visibilityState === "visible" ? performance.now() : null;
    const tell = (): void => {
      const ms = since === null ? 0 : performance.now() - since;
      since = null;
      if (ms < tellMsMin) return;
      const seconds = Math.round(ms / 100) / 10;
      freshet.track("Time Spent", { seconds }, { context: { page } });
    };
    const look = (): void => {
      if (document.visibilityState === "hidden") tell();
      else since ??= performance.now();
    };
    const unsee = onEvent(document, ["visibilitychange"], look);
    const unleave = onEvent(globalThis as unknown as EventTarget, ["pagehide"], tell);
    const end = (): void => {
      unsee();
      unleave();
      tell();
    };
    stops.add(end);
    return end;
  });
  return () => stops.forEach((stop) => void stop());
}
