/** What a page tells by itself. Each part can be left out. */
import { captureClicks } from "./clicks.ts";
import { captureForms } from "./forms.ts";
import { captureScroll } from "./scroll.ts";
import { captureTime } from "./time.ts";
import type { Stop, Tracker } from "./track.ts";
import { captureVideo } from "./video.ts";
import { followViews } from "./views.ts";

export { type Cart, cartOf, type Order, type Product } from "./cart.ts";
export type { Stop, Tracker } from "./track.ts";

export interface AutoOptions {
  readonly pages?: boolean;
  readonly clicks?: boolean;
  readonly scroll?: boolean;
  readonly time?: boolean;
  readonly video?: boolean;
  readonly forms?: boolean;
  /** True where another hash is another page. */
  readonly hash?: boolean;
}

/** Begins to look; returns what ends it. */
export function startAuto(freshet: Tracker, options: AutoOptions = {}): Stop {
  const { pages = true, clicks = true, scroll = true, time = true, video = true } = options;
  const { forms = true, hash = false } = options;
  const views = followViews({ hash });
  const stops: Stop[] = [() => views.stop()];
  if (pages) views.each((page) => freshet.page(page) as undefined);
  if (clicks) stops.push(captureClicks(freshet));
  if (scroll) stops.push(captureScroll(freshet, views));
  if (time) stops.push(captureTime(freshet, views));
  if (video) stops.push(captureVideo(freshet));
  if (forms) stops.push(captureForms(freshet, views));
  return () => {
    for (const stop of stops) stop();
  };
}
