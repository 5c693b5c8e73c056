import { type Packed, packEntity, packProfile, unpackEntity, unpackProfile } from "../core/pack.ts";
import { type EntityState, never, type ProfileState } from "../core/profile.ts";
import { type Mapping, migrateEntity, migrateProfile } from "./migrate.ts";
import { entityOf, isEntityKey } from "./store-key.ts";

/** What the state table has of a key. */
export type KeyState =
  | { readonly kind: "profile"; readonly profile: ProfileState }
  | { readonly kind: "entity"; readonly entity: EntityState };

export function timerOf(state: KeyState): number {
  return state.kind === "profile" ? state.profile.timer : never;
}

export function packState(state: KeyState): Packed {
  return state.kind === "profile" ? packProfile(state.profile) : packEntity(state.entity);
}

export function unpackState(key: string, packed: Packed): KeyState {
  return isEntityKey(key)
    ? { kind: "entity", entity: unpackEntity(packed) }
    : { kind: "profile", profile: unpackProfile(packed) };
}

export function migrateState(key: string, state: KeyState, mapping: Mapping): KeyState {
  return state.kind === "profile"
    ? { kind: "profile", profile: migrateProfile(state.profile, mapping) }
    : { kind: "entity", entity: migrateEntity(entityOf(key), state.entity, mapping) };
}
