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

/** With names, as V8 changes the numbers of an object in place, where in an array each change makes a new one. */
export interface SessionEntry {
  start: number;
  end: number;
  /** Message id of the first event by (time, id). */
  startId: string;
  count: number;
  features: (FeatureState | null)[];
}

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
    entry.features[index] = feature.add(entry.features[index] ?? null, item, clock);
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
  const all = [...(a ?? []), ...(b ?? [])].sort((x, y) => x.start - y.start);
  for (const entry of all) {
    const last = merged.at(-1);
    if (last !== undefined && entry.start - last.end <= gapMs) absorb(last, entry, features);
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
  while (at >= 0 && (list[at] as SessionEntry).start > now) at--;
  const entry = list[at];
  return entry !== undefined && entry.end + gapMs >= now ? entry : null;
}

/** First moment at which the session is no longer the current one, if no event comes. */
export function sessionEndsAt(entry: SessionEntry, gapMs: number): number {
  return entry.end + gapMs + 1;
}

/** Changes when a late event moves the session's start, and at no other time. */
export function sessionId(entry: SessionEntry, partId: string): string {
  return hashHex(`session\n${partId}\n${entry.start}\n${entry.startId}`);
}

/** Puts the event into its session, which may be a new one or the joint one of two; keeps S1. */
function place(
  sessions: SessionList,
  { time, id }: { readonly time: number; readonly id: string },
  gapMs: number,
  features: readonly CompiledFeature[],
): SessionEntry {
  let at = sessions.length - 1;
  while (at >= 0 && (sessions[at] as SessionEntry).start > time + gapMs) at--;
  const entry = sessions[at];
  if (entry === undefined || entry.end + gapMs < time) {
    const opened: SessionEntry = {
      start: time,
      end: time,
      startId: id,
      count: 1,
      features: features.map(() => null),
    };
    sessions.splice(at + 1, 0, opened);
    return opened;
  }
  extend(entry, time, time, id);
  entry.count++;
  const before = sessions[at - 1];
  if (before === undefined || entry.start - before.end > gapMs) return entry;
  absorb(before, entry, features);
  sessions.splice(at, 1);
  return before;
}

function absorb(
  entry: SessionEntry,
  other: SessionEntry,
  features: readonly CompiledFeature[],
): void {
  extend(entry, other.start, other.end, other.startId);
  entry.count += other.count;
  for (const [i, feature] of features.entries()) {
    entry.features[i] = feature.merge(entry.features[i] ?? null, other.features[i] ?? null);
  }
}

function extend(entry: SessionEntry, start: number, end: number, startId: string): void {
  if (start < entry.start || (start === entry.start && startId < entry.startId)) {
    entry.start = start;
    entry.startId = startId;
  }
  if (end > entry.end) entry.end = end;
}

function copy(entry: SessionEntry, features: readonly CompiledFeature[]): SessionEntry {
  const states = features.map((feature, i) => feature.merge(null, entry.features[i] ?? null));
  return { ...entry, features: states };
}
