import { limits } from "@freshet/protocol";
import { describe, expect, test } from "vitest";
import { accept, parseTime } from "../../src/accept/index.ts";
import {
  batch,
  contextWith,
  hour,
  minute,
  now,
  onlyEvent,
  onlyLetter,
  requestOf,
  track,
} from "./fixture.ts";

const iso = (time: number) => new Date(time).toISOString();

describe("timestamps", () => {
  test("are read in every ISO 8601 form, in UTC where no zone is named", () => {
    const expected = Date.UTC(2024, 1, 29, 10, 20, 30, 123);
    const forms = [
      "2024-02-29T10:20:30.123Z",
      "2024-02-29T10:20:30.123",
      "2024-02-29 10:20:30.123",
      "2024-02-29t10:20:30,123z",
      "2024-02-29T10:20:30.123456Z",
      "2024-02-29T10:20:30.123999999+00:00",
      "2024-02-29T12:20:30.123+02:00",
      "2024-02-29T12:20:30.123+0200",
      "2024-02-29T12:20:30.123+02",
      "2024-02-29T04:50:30.123-05:30",
      "2024-02-29 10:20:30.123 Z",
      String(expected),
      expected,
      expected + 0.7,
    ];
    for (const form of forms) expect([form, parseTime(form)]).toEqual([form, expected]);
    expect(parseTime("2024-02-29")).toBe(Date.UTC(2024, 1, 29));
    expect(parseTime("2024-02-29T10:20")).toBe(Date.UTC(2024, 1, 29, 10, 20));
    expect(parseTime("2024-02-29T10:20:30.5Z")).toBe(Date.UTC(2024, 1, 29, 10, 20, 30, 500));
    expect(parseTime("2024-02-29T24:00:00Z")).toBe(Date.UTC(2024, 2, 1));
    expect(parseTime("2016-12-31T23:59:60Z")).toBe(Date.UTC(2017, 0, 1));
    expect(parseTime("0001-01-01T00:00:00Z")).toBe(Date.parse("0001-01-01T00:00:00Z"));
    expect(parseTime("0000-02-29T00:00:00Z")).toBe(Date.parse("0000-02-29T00:00:00Z"));
  });

  test("that are none are refused", () => {
    const wrong = [
      ...[
        "",
        "x",
        "now",
        "2024",
        "2024-13-01",
        "2024-00-10",
        "2024-02-30",
        "2023-02-29",
        "2024-04-31",
      ],
      ...[
        "2024-01-01T25:00:00Z",
        "2024-01-01T24:00:01Z",
        "2024-01-01T10:60:00Z",
        "2024-01-01T10:00:61Z",
      ],
      ...[
        "2024-01-01T10:00:00+24:00",
        "2024-01-01T10:00:00+01:60",
        "01/02/2024",
        "Mon, 01 Jan 2024 00:00:00 GMT",
      ],
      ...[
        "20240101T000000Z",
        "2024-W01-1",
        "2024-01-01T10:00:00Z ",
        "+012024-01-01T00:00:00Z",
        "1700000000",
      ],
      ...[true, {}, [], Number.NaN, 1e300],
    ];
    for (const form of wrong) expect([form, parseTime(form)]).toEqual([form, undefined]);
    for (const timestamp of ["x", "", true, {}, 1e300]) {
      expect(onlyLetter(batch([track({ timestamp })]))).toMatchObject({
        code: "timestampInvalid",
        path: "/timestamp",
      });
    }
  });

  test("that are missing are now", () => {
    expect(onlyEvent(batch([track()])).time).toBe(now);
    expect(onlyEvent(batch([track({ timestamp: null })]))).toMatchObject({ time: now });
  });

  test("before 2000 are refused, and the first moment after is not", () => {
    for (const timestamp of [
      "1970-01-01T00:00:00Z",
      0,
      -1,
      limits.eventTimeMsMin - 1,
      "0000-01-01",
      -8.64e15,
    ]) {
      expect(onlyLetter(batch([track({ timestamp })])).code).toBe("timestampOutOfRange");
    }
    expect(onlyEvent(batch([track({ timestamp: limits.eventTimeMsMin })])).time).toBe(
      limits.eventTimeMsMin,
    );
    const seconds = onlyLetter(batch([track({ timestamp: now / 1000 })]));
    expect(seconds.message).toContain("looks like seconds");
  });

  test("in the future are now, with a note", () => {
    for (const timestamp of ["9999-12-31T23:59:59.999Z", 8.64e15, now + 1]) {
      expect(onlyEvent(batch([track({ timestamp })]))).toMatchObject({
        time: now,
        notes: ["timeClamped"],
      });
    }
    expect(onlyEvent(batch([track({ timestamp: now })]))).not.toHaveProperty("notes");
  });
});

describe("a wrong clock", () => {
  const send = (event: object, sentAt: unknown) => {
    const request = requestOf("segment-batch", { batch: [event], sentAt });
    return onlyEvent(accept(request, contextWith()));
  };

  test("is corrected by the attempt's sentAt beyond the dead band only", () => {
    for (const skew of [-3 * hour, 3 * hour, 5 * minute + 1, -5 * minute - 1]) {
      const event = track({ timestamp: iso(now + skew - minute) });
      expect(send(event, iso(now + skew))).toMatchObject({
        time: now - minute,
        notes: ["skewCorrected"],
      });
    }
    const slightly = track({ timestamp: iso(now - 6 * minute) });
    expect(send(slightly, iso(now - 5 * minute))).toMatchObject({ time: now - 6 * minute });
    expect(send(slightly, iso(now - 5 * minute))).not.toHaveProperty("notes");
  });

  test("of 1970 is corrected too, since only the distance counts", () => {
    expect(send(track({ timestamp: 60_000 }), 120_000)).toMatchObject({ time: now - minute });
  });

  test("is taken from originalTimestamp where there is one", () => {
    const event = track({ originalTimestamp: iso(now - 4 * hour), timestamp: iso(now - 1) });
    expect(send(event, iso(now - 3 * hour))).toMatchObject({ time: now - hour });
    const wrong = track({ originalTimestamp: "x" });
    expect(onlyLetter(batch([wrong]))).toMatchObject({ path: "/originalTimestamp" });
  });

  test("is read from a single event's own sentAt", () => {
    const event = track({ timestamp: iso(now - 4 * hour), sentAt: iso(now - 3 * hour) });
    const single = accept(requestOf("segment-single", event, { type: "track" }), contextWith());
    expect(onlyEvent(single).time).toBe(now - hour);
    expect(onlyEvent(batch([event])).time).toBe(now - hour);
  });

  test("whose sentAt cannot be read is left alone", () => {
    expect(send(track({ timestamp: iso(now - hour) }), "x")).toMatchObject({ time: now - hour });
  });

  test("of an old event that was sent at once changes nothing", () => {
    const event = track({ timestamp: iso(now - 48 * hour) });
    expect(send(event, iso(now))).toMatchObject({ time: now - 48 * hour });
  });

  test("whose event was made after it was sent is clamped after the correction", () => {
    const event = track({ timestamp: iso(now - hour) });
    expect(send(event, iso(now - 2 * hour))).toMatchObject({
      time: now,
      notes: ["skewCorrected", "timeClamped"],
    });
  });
});
