import { contentHash, type SchemaContent } from "./schema.ts";
import type { Mode, SubjectConfig } from "./settings.ts";
import {
  type Place,
  placeKey,
  type RegistryState,
  type SubjectVersion,
  versionsOf,
} from "./state.ts";

/** What a decision changes: each is one row of the store, put (`null` deletes) as a whole. */
export type RegistryChange =
  | { readonly kind: "schema"; readonly id: number; readonly content: SchemaContent | null }
  | {
      readonly kind: "version";
      readonly subject: string;
      readonly version: number;
      readonly row: Pick<SubjectVersion, "id" | "isDeleted"> | null;
    }
  | { readonly kind: "config"; readonly subject: string; readonly config: SubjectConfig | null }
  | { readonly kind: "mode"; readonly subject: string; readonly mode: Mode | null }
  | { readonly kind: "nextId"; readonly id: number };

/** Makes the changes of one decision true, in order. */
export function apply(state: RegistryState, changes: readonly RegistryChange[]): void {
  for (const change of changes) applyOne(state, change);
}

function applyOne(state: RegistryState, change: RegistryChange): void {
  switch (change.kind) {
    case "schema":
      putSchema(state, change.id, change.content);
      break;
    case "version":
      putVersion(state, change, change.row);
      break;
    case "config":
      put(state.configs, change.subject, change.config);
      break;
    case "mode":
      put(state.modes, change.subject, change.mode);
      break;
    case "nextId":
      state.nextId = change.id;
  }
}

function putSchema(state: RegistryState, id: number, content: SchemaContent | null): void {
  const before = state.schemas.get(id);
  if (before !== undefined) {
    state.schemaChars -= charsOf(before);
    remove(state.idsByHash, contentHash(before), id);
    for (const place of before.references) remove(state.referrers, placeKey(place), id);
  }
  put(state.schemas, id, content);
  if (content === null) return;
  state.schemaChars += charsOf(content);
  add(state.idsByHash, contentHash(content), id);
  for (const place of content.references) add(state.referrers, placeKey(place), id);
}

type VersionRow = Pick<SubjectVersion, "id" | "isDeleted">;

function putVersion(state: RegistryState, place: Place, row: VersionRow | null): void {
  const { subject, version } = place;
  const all = versionsOf(state, subject);
  const before = all.find((one) => one.version === version);
  const others = all.filter((one) => one.version !== version);
  if (before !== undefined) leave(state, place, before.id);
  if (row !== null) {
    others.push({ version, id: row.id, isDeleted: row.isDeleted });
    others.sort((a, b) => a.version - b.version);
    const places = state.places.get(row.id) ?? new Map<string, Place>();
    state.places.set(row.id, places.set(placeKey(place), { subject, version }));
  }
  put(state.subjects, subject, others.length === 0 ? null : others);
}

function leave(state: RegistryState, place: Place, id: number): void {
  const places = state.places.get(id);
  places?.delete(placeKey(place));
  if (places?.size === 0) state.places.delete(id);
}

/** What a schema counts for in the limits, in UTF-16 units. */
export function charsOf({ schema, metadata, ruleSet }: SchemaContent): number {
  const extras = (value: unknown) => (value === undefined ? 0 : JSON.stringify(value).length);
  return schema.length + extras(metadata) + extras(ruleSet);
}

function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

function add(map: Map<string, Set<number>>, key: string, value: number): void {
  const known = map.get(key) ?? new Set<number>();
  map.set(key, known.add(value));
}

function remove(map: Map<string, Set<number>>, key: string, value: number): void {
  const known = map.get(key);
  known?.delete(value);
  if (known?.size === 0) map.delete(key);
}
