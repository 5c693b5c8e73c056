import type { JsonObject } from "@freshet/protocol";
import { hashHex } from "../hash.ts";
import type { Direction } from "./level.ts";

export const schemaTypeNames = ["AVRO", "JSON", "PROTOBUF"] as const;
export type SchemaTypeName = (typeof schemaTypeNames)[number];

/** Another schema that this one uses: under which name, and which version of which subject that is. */
export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** What one id stands for, for ever. */
export interface SchemaContent {
  readonly schemaType: SchemaTypeName;
  /** Canonical: two texts that differ only in how they are written are one schema. */
  readonly schema: string;
  readonly references: readonly SchemaReference[];
  /** Kept and given back as they came, and part of what makes two schemas the same. */
  readonly metadata?: JsonObject;
  readonly ruleSet?: JsonObject;
}

/** A referenced schema, with the name that the referring one knows it by. */
export interface ResolvedReference {
  readonly name: string;
  readonly schema: string;
}

/** A schema whose text was understood. */
export interface KnownSchema {
  /** The text without what does not matter in its language, such as blanks. That of a canonical text is itself. */
  readonly canonical: string;
  /** The same where also the order of what has no order is made one. */
  normalized(): string;
  /** The schema in another form, such as `resolved` or `serialized`; undefined where this type has no such form. */
  formatted(format: string): string | undefined;
}

/** The languages of schemas. Pure: the same texts give the same answers. */
export interface SchemaTypes {
  /** Throws an error whose message says what is wrong. `references` come before those that use them. */
  parse(
    content: Pick<SchemaContent, "schemaType" | "schema">,
    references: readonly ResolvedReference[],
  ): KnownSchema;
  /**
   * Why `next` could not take the place of `previous`, one sentence each; empty where it can. `backward`: what was
   * written with `previous` is read with `next`; `forward`: the other way round.
   */
  differences(direction: Direction, next: KnownSchema, previous: KnownSchema): readonly string[];
}

/** Contents with one key are one schema, but for a collision of the hash, which `isSame` finds. */
export function contentHash(content: SchemaContent): string {
  const known = hashes.get(content);
  if (known !== undefined) return known;
  const hash = hashHex(contentText(content));
  hashes.set(content, hash);
  return hash;
}

/** Of contents that are in use: one registration asks for it several times, and a large text takes milliseconds. */
const hashes = new WeakMap<SchemaContent, string>();

export function isSameContent(one: SchemaContent, other: SchemaContent): boolean {
  return contentText(one) === contentText(other);
}

/** Written like the identifiers that the field calls GUID; derived from the content alone. */
export function guidOf(content: SchemaContent): string {
  return contentHash(content).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function contentText({ schemaType, schema, references, metadata, ruleSet }: SchemaContent): string {
  const named = references.map(({ name, subject, version }) => [name, subject, version]);
  return JSON.stringify([schemaType, schema, named, sorted(metadata), sorted(ruleSet)]);
}

/** With the keys of all objects in one order. Its depth was bounded where it came in. */
function sorted(value: unknown): unknown {
  if (value === undefined || value === null || typeof value !== "object") return value ?? null;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, part]) => [name, sorted(part)]);
}
