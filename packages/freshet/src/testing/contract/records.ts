import type { EventRecord, LogRecord } from "../../core/record.ts";

/** An event record that is told apart by its number. */
export function eventRecord(number: number, text = ""): EventRecord {
  return {
    kind: "event",
    partition: number % 7,
    at: 1_763_700_000_000 + number,
    key: `user:u${number % 5}`,
    event: {
      id: `m${number}`,
      type: "track",
      name: "Product Viewed",
      userId: `u${number % 5}`,
      time: 1_763_700_000_000 + number,
      source: "web",
      properties: { number, text },
    },
  };
}

export function eventRecords(from: number, count: number): EventRecord[] {
  return Array.from({ length: count }, (_, index) => eventRecord(from + index));
}

/** One record of every kind; the first two are counted. */
export const recordOfEachKind: readonly LogRecord[] = [
  eventRecord(1, "ünï ✓ 🦊 \u0000 \u2028"),
  {
    kind: "deadLetter",
    partition: 65_535,
    at: 1.5,
    letter: {
      id: "d1",
      code: "eventTooDeep",
      message: "too deep",
      source: "web",
      at: 2,
      event: ["as", "it", "came", null],
    },
  },
  { kind: "tick", partition: 3, at: 4 },
  {
    kind: "self",
    partition: 2,
    at: 5,
    key: "anon:a1",
    from: { partition: 1, offset: 2 ** 40, ordinal: 0, epoch: 1, awaited: true, root: 1 },
    body: { kind: "link", owner: "user:u1", cause: "m1", imported: false },
  },
  { kind: "table", partition: 0, at: 6, table: "products", version: 2, rows: [{ sku: "a" }, {}] },
  { kind: "plan", partition: 0, at: 7, planHash: "abc", epoch: 3 },
];
