import type { Json } from "@freshet/protocol";
import type { FeatureState } from "./feature/type.ts";
import {
  type EntityState,
  type Membership,
  never,
  type PartEntry,
  type PartState,
  type ProfileState,
} from "./profile.ts";
import type { SessionEntry } from "./session.ts";

/**
 * The packed form of a key's state: arrays by position, small to encode and free of field names. Position is
 * meaning, so a new field goes to the end, and unpacking tolerates its absence.
 */
export type Packed = readonly unknown[];

export function packProfile(state: ProfileState): Packed {
  return [
    state.version,
    state.parts.map((entry) => [entry.id, entry.version, packPart(entry.part)]),
    state.owner === null ? null : [state.owner.generation, state.owner.userId],
    state.links,
    state.members.map((member) => (member === null ? null : [member.since, member.cause])),
    state.flips.map(packTime),
    packTime(state.timer),
  ];
}

type PackedProfile = readonly [
  version: number,
  parts: readonly (readonly [id: string, version: number, part: Packed])[],
  owner: readonly [number, string] | null,
  links: string[],
  members: readonly (readonly [number, string] | null)[],
  flips: (number | null)[],
  timer: number | null,
];

/** `packed` is given up: its arrays become those of the state. */
export function unpackProfile(packed: Packed): ProfileState {
  const [version, parts, owner, links, members, flips, timer] = packed as PackedProfile;
  return {
    version,
    parts: replaceEach(parts, unpackEntry),
    owner: owner === null ? null : { generation: owner[0], userId: owner[1] },
    links,
    members: replaceEach(members, unpackMember),
    flips: replaceEach(flips, unpackTime),
    timer: unpackTime(timer),
  };
}

/** As `map`, in place. */
function replaceEach<From, To>(from: readonly From[], replace: (value: From) => To): To[] {
  const list = from as unknown[];
  for (let index = 0; index < list.length; index++) list[index] = replace(list[index] as From);
  return list as To[];
}

function unpackEntry([id, version, part]: PackedProfile[1][number]): PartEntry {
  return { id, version, part: unpackPart(part) };
}

function unpackMember(member: readonly [number, string] | null): Membership | null {
  return member === null ? null : { since: member[0], cause: member[1] };
}

function packTime(time: number): number | null {
  return time === never ? null : time;
}

function unpackTime(time: number | null): number {
  return time ?? never;
}

export function packPart(part: PartState): Packed {
  return [
    part.firstAt,
    part.lastAt,
    part.events,
    part.traits.map((trait) => [trait.name, trait.time, trait.id, trait.value]),
    part.features,
    part.sessions.map(packSession),
    part.fired.map((entry) => [entry.rule, entry.time, entry.effectId]),
    part.recent,
  ];
}

type PackedPart = readonly [
  firstAt: number,
  lastAt: number,
  events: number,
  traits: readonly (readonly [string, number, string, Json])[],
  features: (FeatureState | null)[],
  sessions: readonly PackedSession[],
  fired: readonly (readonly [string, number, string])[],
  recent: number[],
];

/** `packed` is given up. */
export function unpackPart(packed: Packed): PartState {
  const [firstAt, lastAt, events, traits, features, sessions, fired, recent] = packed as PackedPart;
  return {
    firstAt,
    lastAt,
    events,
    traits: replaceEach(traits, ([name, time, id, value]) => ({ name, time, id, value })),
    features,
    sessions: replaceEach(sessions, unpackSession),
    fired: replaceEach(fired, ([rule, time, effectId]) => ({ rule, time, effectId })),
    recent,
  };
}

type PackedSession = readonly [
  start: number,
  end: number,
  startId: string,
  count: number,
  features: (FeatureState | null)[],
];

function packSession({ start, end, startId, count, features }: SessionEntry): PackedSession {
  return [start, end, startId, count, features];
}

function unpackSession([start, end, startId, count, features]: PackedSession): SessionEntry {
  return { start, end, startId, count, features };
}

export function packEntity(state: EntityState): Packed {
  return [state.version, state.features];
}

export function unpackEntity(packed: Packed): EntityState {
  const [version, features] = packed as readonly [number, (FeatureState | null)[]];
  return { version, features };
}

/** Packed states and states of features are arrays all the way down to what is never changed in place. */
export function copyArrays<T>(value: T): T {
  return Array.isArray(value) ? (value.map(copyArrays) as T) : value;
}
