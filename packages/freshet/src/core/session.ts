import type { CompiledFeature, KeyedItem } from "./feature/compiled.ts";
import type { FeatureState } from "./feature/type.ts";
import { hashHex } from "./hash.ts";

/**
 * Sessions of one part: the connected components of its events, two being connected that are at most
 * `gapMs` apart. A set of events has one such split, so that order of arrival and merging do not matter.
 *
 * - S1 sorted by start, and any two are more than the gap apart.
 * - S2 features are aligned with the plan's session features; null = nothing.
 * - S3 at most 16 sessions, the newest. An event of a session that was dropped opens one of its own, and a
 *   late event that connects a dropped session to a kept one cannot bring back what was dropped. The open
 *   session is only ever short by what lies more than 16 sessions back.
 */
export type SessionList = SessionEntry[];

export type SessionEntry = [
  start: number,
  end: number,
  /** Message id of the first event by (time, id). */
  startId: string,
  count: number,
  features: (FeatureState | null)[],
];

export const sessionsMax = 16;

export interface SessionItems {
  readonly gapMs: number;
  /** The plan's session features. */
  readonly features: readonly CompiledFeature[];
  /** What the event means to them, by position in `features`. */
  readonly items: readonly { readonly index: number; readonly item: KeyedItem }[];
  readonly clock: number;
}

/** Adds an event. May change `list` in place; the caller keeps what is returned. */
export function addToSessions(
  list: SessionList | null,
  event: { readonly time: number; readonly id: string },
  { gapMs, features, items, clock }: SessionItems,
): SessionList {
  const sessions = list ?? [];
  const entry = place(sessions, event, gapMs, features);
  for (const { index, item } of items) {
    const feature = features[index];
    if (feature === undefined) throw new Error(`session feature ${index} does not exist`);
    entry[4][index] = feature.add(entry[4][index] ?? null, item, clock);
  }
  if (sessions.length > sessionsMax) sessions.splice(0, sessions.length - sessionsMax);
  return sessions;
}

/** The sessions of both together. Shares no array with either. */
export function mergeSessions(
  a: SessionList | null,
  b: SessionList | null,
  gapMs: number,
  features: readonly CompiledFeature[],
): SessionList {
  const merged: SessionList = [];
  const all = [...(a ?? []), ...(b ?? [])].sort((x, y) => x[0] - y[0]);
  for (const entry of all) {
    const last = merged.at(-1);
    if (last !== undefined && entry[0] - last[1] <= gapMs) absorb(last, entry, features);
    else merged.push(copy(entry, features));
  }
  return merged.slice(-sessionsMax);
}

/** The session that an event at `now` would join, unless it has only begun after `now`. */
export function currentSession(
  list: SessionList | null,
  now: number,
  gapMs: number,
): SessionEntry | null {
  if (list === null) return null;
  let at = list.length - 1;
  while (at >= 0 && (list[at] as SessionEntry)[0] > now) at--;
  const entry = list[at];
  return entry !== undefined && entry[1] + gapMs >= now ? entry : null;
}

/** First moment at which the session is no longer the current one, if no event comes. */
export function sessionEndsAt(entry: SessionEntry, gapMs: number): number {
  return entry[1] + gapMs + 1;
}

/** Changes when a late event moves the session's start, and at no other time. */
export function sessionId(entry: SessionEntry, partId: string): string {
  return hashHex(`session\n${partId}\n${entry[0]}\n${entry[2]}`);
}

/** Puts the event into its session, which may be a new one or the joint one of two; keeps S1. */
function place(
  sessions: SessionList,
  { time, id }: { readonly time: number; readonly id: string },
  gapMs: number,
  features: readonly CompiledFeature[],
): SessionEntry {
  let at = sessions.length - 1;
  while (at >= 0 && (sessions[at] as SessionEntry)[0] > time + gapMs) at--;
  const entry = sessions[at];
  if (entry === undefined || entry[1] + gapMs < time) {
    const opened: SessionEntry = [time, time, id, 1, features.map(() => null)];
    sessions.splice(at + 1, 0, opened);
    return opened;
  }
  extend(entry, time, time, id);
  entry[3]++;
  const before = sessions[at - 1];
  if (before === undefined || entry[0] - before[1] > gapMs) return entry;
  absorb(before, entry, features);
  sessions.splice(at, 1);
  return before;
}

function absorb(
  entry: SessionEntry,
  other: SessionEntry,
  features: readonly CompiledFeature[],
): void {
  extend(entry, other[0], other[1], other[2]);
  entry[3] += other[3];
  for (const [i, feature] of features.entries()) {
    entry[4][i] = feature.merge(entry[4][i] ?? null, other[4][i] ?? null);
  }
}

function extend(entry: SessionEntry, start: number, end: number, startId: string): void {
  if (start < entry[0] || (start === entry[0] && startId < entry[2])) {
    entry[0] = start;
    entry[2] = startId;
  }
  if (end > entry[1]) entry[1] = end;
}

function copy(entry: SessionEntry, features: readonly CompiledFeature[]): SessionEntry {
  const states = features.map((feature, i) => feature.merge(null, entry[4][i] ?? null));
  return [entry[0], entry[1], entry[2], entry[3], states];
}
