import {
  type CompatibilityLevel,
  comparedVersions,
  type Direction,
  levelRules,
} from "../core/registry/level.ts";
import { avroDifferences } from "./avro/compatible.ts";
import { backward, type Difference, differenceMessage, forward, type Sides } from "./difference.ts";
import { jsonDifferences } from "./json/compatible/covers.ts";
import { protobufDifferences } from "./protobuf/compatible.ts";
import type { ParsedSchema } from "./schema.ts";

/** A version that is registered already. */
export interface EarlierVersion {
  readonly version: number;
  readonly schema: ParsedSchema;
}

/** A difference to one of the earlier versions. */
export interface VersionDifference extends Difference {
  readonly version: number;
  /** Which side could not read the other. */
  readonly direction: Direction;
}

export interface Compatibility {
  readonly isCompatible: boolean;
  readonly differences: readonly VersionDifference[];
  /** For people: each difference in the registry's form, then the version and the level. */
  readonly messages: readonly string[];
}

/**
 * Whether a new version may follow the earlier ones, which are in their order, oldest first. Levels that are not
 * transitive look at the latest one only; the check ends at the first version that does not fit.
 */
export function checkCompatibility(
  level: CompatibilityLevel,
  schema: ParsedSchema,
  earlier: readonly EarlierVersion[],
): Compatibility {
  for (const other of comparedVersions(level, earlier)) {
    const differences = differencesTo(level, schema, other);
    if (differences.length > 0)
      return { isCompatible: false, differences, messages: messagesOf(level, differences) };
  }
  return compatible;
}

const compatible: Compatibility = { isCompatible: true, differences: [], messages: [] };

function differencesTo(
  level: CompatibilityLevel,
  schema: ParsedSchema,
  { version, schema: other }: EarlierVersion,
): readonly VersionDifference[] {
  return levelRules[level].directions.flatMap((direction) =>
    directedDifferences(direction, schema, other).map((one) => ({ ...one, version, direction })),
  );
}

/** Why `next` could not take the place of `previous`, in one direction. */
export function directedDifferences(
  direction: Direction,
  next: ParsedSchema,
  previous: ParsedSchema,
): readonly Difference[] {
  return direction === "backward"
    ? schemaDifferences(next, previous, backward)
    : schemaDifferences(previous, next, forward);
}

/** Why data of `writer` cannot be read with `reader`; none where all of it can. */
export function schemaDifferences(
  reader: ParsedSchema,
  writer: ParsedSchema,
  sides: Sides = backward,
): readonly Difference[] {
  try {
    return differencesOfKind(reader, writer, sides);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Types are followed by recursion; sound schemas end long before the stack does.
    const reason = "the schemas are nested too deep to compare";
    return [{ kind: "TOO_LARGE_TO_COMPARE", path: "/", reason, info: "" }];
  }
}

function differencesOfKind(
  reader: ParsedSchema,
  writer: ParsedSchema,
  sides: Sides,
): readonly Difference[] {
  if (reader.type === "AVRO" && writer.type === "AVRO")
    return avroDifferences(reader.root, writer.root, sides);
  if (reader.type === "JSON" && writer.type === "JSON")
    return jsonDifferences(reader, writer, sides);
  if (reader.type === "PROTOBUF" && writer.type === "PROTOBUF")
    return protobufDifferences(reader, writer, sides);
  const reason = `the ${sides.reader} schema is of type ${reader.type}, the ${sides.writer} one of type ${writer.type}`;
  return [{ kind: "SCHEMA_TYPE_CHANGED", path: "/", reason, info: "" }];
}

function messagesOf(
  level: CompatibilityLevel,
  differences: readonly VersionDifference[],
): string[] {
  const version = differences[0]?.version ?? 0;
  return [
    ...differences.map(differenceMessage),
    `{oldSchemaVersion: ${version}}`,
    `{compatibility: '${level}'}`,
  ];
}
