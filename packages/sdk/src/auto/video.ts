import { onEvent, type Stop, type Tracker } from "./track.ts";

const steps = [25, 50, 75, 95] as const;

/** How far videos are watched. Media events do not bubble, but they are seen on their way down. */
export function captureVideo(freshet: Tracker): Stop {
  const known = new WeakMap<HTMLVideoElement, { source: string; told: number; isOver: boolean }>();

  return onEvent(document, ["play", "timeupdate", "ended"], ({ target, type }) => {
    if (!(target instanceof HTMLVideoElement)) return;
    const tell = (event: string, percent: number): void =>
      freshet.track(event, { ...factsOf(target), percent });
    const source = target.currentSrc;
    let state = known.get(target);
    // Another film in the same element; or the same from its start.
    const isAgain = state?.isOver === true && type === "play";
    if (state === undefined || state.source !== source || isAgain) {
      if (type !== "play") return;
      state = { source, told: 0, isOver: false };
      known.set(target, state);
      tell("Video Playback Started", 0);
    }
    const percent = (target.currentTime / target.duration) * 100;
    // Nobody knows how long a live stream is.
    if (Number.isFinite(percent))
      for (; state.told < steps.length && percent >= (steps[state.told] ?? 0); state.told++)
        tell("Video Content Playing", steps[state.told] ?? 0);
    if (type !== "ended" || state.isOver) return;
    state.isOver = true;
    tell("Video Playback Completed", 100);
  });
}

function factsOf(video: HTMLVideoElement): object {
  const { currentSrc, currentTime, duration, id } = video;
  const title = video.getAttribute("data-freshet-title") ?? video.title;
  return {
    // Without its query, which often holds a signature.
    source: currentSrc.replace(/[?#].*/, "").slice(0, 500),
    position: Math.round(currentTime * 10) / 10,
    ...(Number.isFinite(duration) ? { total_length: Math.round(duration * 10) / 10 } : {}),
    ...(title === "" ? {} : { title }),
    ...(id === "" ? {} : { video_id: id }),
  };
}
