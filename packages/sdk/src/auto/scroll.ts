import { onEvent, type Stop, type Tracker } from "./track.ts";
import type { Views } from "./views.ts";

const steps = [25, 50, 75, 90, 100] as const;
/** Browsers round heights: the end of a page is up to this many pixels early. */
const roundingPx = 2;

/** How far down a view was scrolled: each step once a view, and none without scrolling. */
export function captureScroll(freshet: Tracker, views: Views): Stop {
  const stops = new Set<Stop>();
  views.each((page) => {
    let told = 0;
    let isWaiting = false;
    const look = (): void => {
      isWaiting = false;
      const percent = depth();
      for (; told < steps.length && percent >= (steps[told] ?? 0); told++)
        freshet.track("Page Scrolled", { percent: steps[told] }, { context: { page } });
    };
    const stop = onEvent(document, ["scroll"], () => {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(look);
    });
    stops.add(stop);
    return stop;
  });
  return () => stops.forEach((stop) => void stop());
}

function depth(): number {
  const { scrollHeight } = document.documentElement;
  const seen = scrollY + innerHeight + roundingPx;
  return Math.min(100, (seen / Math.max(1, scrollHeight)) * 100);
}
