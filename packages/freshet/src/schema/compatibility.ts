import { avroDifferences } from "./avro/compatible.ts";
import { backward, type Difference, differenceMessage, forward, type Sides } from "./difference.ts";
import { jsonDifferences } from "./json/compatible/covers.ts";
import { protobufDifferences } from "./protobuf/compatible.ts";
import type { ParsedSchema } from "./schema.ts";

export const compatibilityLevels = [
  "NONE",
  "BACKWARD",
  "BACKWARD_TRANSITIVE",
  "FORWARD",
  "FORWARD_TRANSITIVE",
  "FULL",
  "FULL_TRANSITIVE",
] as const;

export type CompatibilityLevel = (typeof compatibilityLevels)[number];

/** A version that is registered already. */
export interface EarlierVersion {
  readonly version: number;
  readonly schema: ParsedSchema;
}

/** A difference to one of the earlier versions. */
export interface VersionDifference extends Difference {
  readonly version: number;
  /** Which side could not read the other. */
  readonly direction: "backward" | "forward";
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
  if (level === "NONE") return compatible;
  const looked = level.endsWith("_TRANSITIVE") ? earlier.toReversed() : earlier.slice(-1);
  for (const other of looked) {
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
  const found: VersionDifference[] = [];
  if (!level.startsWith("FORWARD"))
    for (const one of schemaDifferences(schema, other, backward))
      found.push({ ...one, version, direction: "backward" });
  if (!level.startsWith("BACKWARD"))
    for (const one of schemaDifferences(other, schema, forward))
      found.push({ ...one, version, direction: "forward" });
  return found;
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
