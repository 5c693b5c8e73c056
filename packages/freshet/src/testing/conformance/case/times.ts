import type { ConformanceCase, Scene } from "../case.ts";
import { iso, once, postBatch, single, success, track } from "../send.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Section 3: when an event happened. What servers may differ in is a dead band of minutes, not of hours. */
export const timeCases: readonly ConformanceCase[] = [
  timeCase("time-now", "an event keeps its time", { ago: 30_000, clock: 0 }),
  timeCase("time-offline", "an offline queue of two days keeps its times", {
    ago: 2 * dayMs,
    clock: 0,
  }),
  timeCase("time-month", "an event of a month ago keeps its time", { ago: 30 * dayMs, clock: 0 }),
  timeCase("time-clock-ahead", "a clock that is 3 h ahead is corrected", {
    ago: hourMs,
    clock: 3 * hourMs,
  }),
  timeCase("time-clock-behind", "a clock that is 3 h behind is corrected", {
    ago: hourMs,
    clock: -3 * hourMs,
  }),
  timeCase("time-clock-and-queue", "an offline queue of a wrong clock is corrected as well", {
    ago: 2 * dayMs,
    clock: 3 * hourMs,
  }),
  formCase("time-offset", "a time with an offset is read", (ms) =>
    iso(ms + 2 * hourMs).replace("Z", "+02:00"),
  ),
  formCase("time-python", "a time as Python writes it is read", (ms) =>
    iso(ms).replace("Z", "123+00:00"),
  ),
  formCase("time-seconds", "a time without milliseconds is read", (ms) =>
    iso(ms).replace(/\.\d+Z/, "Z"),
  ),
  formCase("time-nanoseconds", "a time with nine digits is read (analytics-java)", (ms) =>
    iso(ms).replace("Z", "000000Z"),
  ),
  {
    id: "time-original",
    section: 3,
    title: "originalTimestamp is the client's time where it is sent (RudderStack's clients)",
    script(scene) {
      const time = scene.now - hourMs;
      const { timestamp: _timestamp, ...event } = track(scene, "one", {
        originalTimestamp: iso(time),
      });
      return single(
        postBatch(scene, [event]),
        success,
        once(scene, "one", { time: { near: time, withinMs: toleranceMs } }),
      );
    },
  },
  {
    id: "time-absent",
    section: 3,
    title: "an event without a time happened when it came",
    script(scene) {
      const { timestamp: _timestamp, ...event } = track(scene);
      return single(
        postBatch(scene, [event]),
        success,
        once(scene, "one", { time: { near: scene.now, withinMs: toleranceMs } }),
      );
    },
  },
  {
    id: "time-future",
    section: 3,
    title: "an event that says it is of tomorrow does not happen after now",
    script: (scene) =>
      single(
        postBatch(scene, [track(scene, "one", { timestamp: iso(scene.now + dayMs) })]),
        { status: [200] },
        once(scene, "one", { time: { near: scene.now, withinMs: toleranceMs } }),
      ),
  },
];

/** A dead band of five minutes, which servers may have, and a slow network. */
const toleranceMs = 5.5 * minuteMs;

interface When {
  /** How long before the request the event happened, in truth. */
  readonly ago: number;
  /** How far the client's clock is ahead. */
  readonly clock: number;
}

function timeCase(id: string, title: string, { ago, clock }: When): ConformanceCase {
  return {
    id,
    section: 3,
    title,
    script: (scene) =>
      single(
        postBatch(scene, [track(scene, "one", { timestamp: iso(scene.now - ago + clock) })], {
          sentAt: iso(scene.now + clock),
        }),
        success,
        once(scene, "one", { time: { near: scene.now - ago, withinMs: toleranceMs } }),
      ),
  };
}

function formCase(id: string, title: string, form: (ms: number) => string): ConformanceCase {
  return {
    id,
    section: 3,
    title,
    script(scene: Scene) {
      const time = scene.now - hourMs;
      return single(
        postBatch(scene, [track(scene, "one", { timestamp: form(time) })]),
        success,
        once(scene, "one", { time: { near: time, withinMs: toleranceMs } }),
      );
    },
  };
}
