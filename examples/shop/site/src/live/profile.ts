import { type Fields, fields, isFields, num, text, texts } from "../json.ts";

/** What the panel knows about the profile; every part may still be missing. */
export interface Profile {
  readonly profileId: string;
  readonly version: number;
  readonly traits: Fields;
  readonly features: Fields;
  readonly segments: readonly string[];
  readonly session: Session | undefined;
  readonly identifiers: readonly string[];
  /** Names of features that the last event changed. */
  readonly changed: readonly string[];
}

export interface Session {
  readonly startedAt: number;
  readonly lastAt: number;
  readonly events: number;
}

export const emptyProfile = (profileId: string): Profile => ({
  profileId,
  version: 0,
  traits: {},
  features: {},
  segments: [],
  session: undefined,
  identifiers: [],
  changed: [],
});

/** The whole profile as read. An answer that was overtaken by the stream keeps the newer parts. */
export function withRead(profile: Profile, body: unknown): Profile {
  const read = fields(body);
  const version = num(read.version) ?? profile.version;
  const rest = {
    ...profile,
    traits: fields(read.traits),
    session: sessionOf(read.session),
    identifiers: texts(read.identifiers),
  };
  if (version < profile.version) return rest;
  const features = fields(read.features);
  return { ...rest, version, features, segments: texts(read.segments) };
}

/** A `profile` message of the stream. */
export function withMessage(profile: Profile, data: Fields): Profile {
  const version = num(data.version) ?? profile.version;
  if (version < profile.version) return profile;
  return {
    ...profile,
    version,
    features: { ...profile.features, ...fields(data.features) },
    segments: Array.isArray(data.segments) ? texts(data.segments) : profile.segments,
    changed: namesOf(data.changed),
  };
}

/** A `segment` message of the stream. */
export function withSegment(profile: Profile, data: Fields): Profile {
  const segment = text(data.segment);
  const others = profile.segments.filter((name) => name !== segment);
  if (segment === "") return profile;
  return { ...profile, segments: data.change === "left" ? others : [...others, segment].sort() };
}

function sessionOf(value: unknown): Session | undefined {
  if (!isFields(value)) return undefined;
  const startedAt = num(value.startedAt);
  if (startedAt === undefined) return undefined;
  const lastAt = num(value.lastAt) ?? startedAt;
  return { startedAt, lastAt, events: num(value.events) ?? 0 };
}

/** A list of names, or an object whose keys are the names. */
const namesOf = (value: unknown): readonly string[] =>
  isFields(value) ? Object.keys(value) : texts(value);
