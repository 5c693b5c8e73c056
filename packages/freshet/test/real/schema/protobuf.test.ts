import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Difference } from "../../../src/schema/difference.ts";
import { protobufDifferences } from "../../../src/schema/protobuf/compatible.ts";
import { parseProtobuf } from "../../../src/schema/protobuf/parse.ts";
import { randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { changedFile, protoText, randomFile } from "../../schema/protobuf-generator.ts";
import { fetchBuf } from "./fetch.ts";

/**
 * Ours against `buf breaking` with its WIRE rules, over hundreds of pairs of files in one run. Rules of `buf` and kinds of
 * ours that answer one question differently, each with its reason.
 */
const theirsOnly: { readonly [rule: string]: string } = {
  FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED:
    "unknown fields are passed over (Updating A Message Type); the registry allows it as FIELD_REMOVED",
  FIELD_WIRE_COMPATIBLE_TYPE:
    "bytes to string, message to bytes and enums to other integers: ours has the guide's groups, buf a stricter order",
  FIELD_WIRE_COMPATIBLE_CARDINALITY:
    "singular and repeated texts and messages are compatible in the guide; buf asks for the same cardinality",
  FIELD_SAME_ONEOF: "one field may move into a new oneof (Updating A Message Type)",
  ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED: "the registry allows ENUM_CONST_REMOVED",
  RESERVED_MESSAGE_NO_DELETE: "a number that is no longer reserved breaks nothing until it is used",
};
const oursOnly: { readonly [kind: string]: string } = {
  MESSAGE_REMOVED:
    "a removed message breaks no bytes, but payloads that name it; buf asks for it in FILE only",
  FIELD_SCALAR_KIND_CHANGED:
    "buf lets a type of the same wire type pass where the guide's groups differ",
  FIELD_KIND_CHANGED: "a map is a repeated message on the wire; the registry refuses it",
  ONEOF_FIELD_REMOVED:
    "the registry refuses it while the oneof stays; buf sees a field deleted, and its number may be reserved",
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: "buf counts a move of fields as FIELD_SAME_ONEOF of each",
  FIELD_NUMERIC_LABEL_CHANGED: "packed numbers are read by most parsers; the guide calls it unsafe",
};

/** Types that the guide calls compatible with each other. */
const groups = [
  ["int32", "int64", "uint32", "uint64", "bool", "enum"],
  ["sint32", "sint64"],
  ["string", "bytes"],
  ["fixed32", "sfixed32"],
  ["fixed64", "sfixed64"],
];

interface Breach {
  readonly rule: string;
  readonly message: string;
}

/** A change of type is only explained within one group of the guide. */
function isKnown({ rule, message }: Breach): boolean {
  if (rule !== "FIELD_WIRE_COMPATIBLE_TYPE") return rule in theirsOnly;
  const types = [...message.matchAll(/(?:from|to) "(?:[\w.]+\.)?(\w+)"/g)].map(
    ([, type = ""]) => type,
  );
  // The entry of a map is named after its field, and bytes have no names.
  if (types.length === 2 && types.every((type) => type.endsWith("Entry"))) return true;
  return types.length === 2 && groups.some((group) => types.every((type) => group.includes(type)));
}

const pairCount = Number(process.env.FRESHET_RUNS ?? 300);
const folder = mkdtempSync(join(tmpdir(), "freshet-buf-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let buf = "";
beforeAll(() => {
  buf = fetchBuf();
}, 300_000);

interface Pair {
  readonly older: string;
  readonly newer: string;
}

/** Rules that each pair breaks: one run over a folder of files, each pair in a package of its own. */
function askBuf(pairs: readonly Pair[]): Map<number, Breach[]> {
  for (const side of ["older", "newer"] as const) {
    mkdirSync(join(folder, side), { recursive: true });
    writeFileSync(join(folder, side, "buf.yaml"), "version: v2\nbreaking:\n  use:\n    - WIRE\n");
    for (const [at, pair] of pairs.entries())
      writeFileSync(
        join(folder, side, `p${at}.proto`),
        pair[side].replace("package shop;", `package p${at};`),
      );
  }
  const args = ["breaking", "newer", "--against", "older", "--error-format", "json"];
  let said = "";
  try {
    said = execFileSync(buf, args, { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 28 });
  } catch (error) {
    const failed = error as {
      readonly stdout?: string;
      readonly stderr?: string;
      readonly status?: number;
    };
    // 100 is its answer for "something breaks".
    if (failed.status !== 100) throw new Error(failed.stderr ?? "buf failed", { cause: error });
    said = failed.stdout ?? "";
  }
  const broken = new Map<number, Breach[]>();
  for (const line of said.split("\n").filter((text) => text !== "")) {
    const {
      path = "",
      type,
      message,
    } = JSON.parse(line) as { path?: string; type: string; message: string };
    const at = Number(/p(\d+)\.proto/.exec(path + message)?.[1]);
    broken.set(at, [...(broken.get(at) ?? []), { rule: type, message }]);
  }
  return broken;
}

test("the same changes break the wire, but for named rules", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const pairs = Array.from({ length: pairCount }, () => {
      const file = randomFile(random);
      return { older: protoText(file), newer: protoText(changedFile(random, file)) };
    });
    const broken = askBuf(pairs);
    const counts = { compatible: 0, incompatible: 0, explained: 0 };
    const unexplained: string[] = [];
    for (const [at, { older, newer }] of pairs.entries()) {
      const ours = protobufDifferences(parseProtobuf(newer, []), parseProtobuf(older, []));
      const theirs = broken.get(at) ?? [];
      if ((ours.length === 0) === (theirs.length === 0))
        counts[ours.length === 0 ? "compatible" : "incompatible"]++;
      else if (isExplained(ours, theirs)) counts.explained++;
      else
        unexplained.push(
          `${older}\n->\n${newer}\nours ${ours.map(({ kind }) => kind)}\nbuf ${JSON.stringify(theirs)}`,
        );
    }
    expect(unexplained.slice(0, 5)).toEqual([]);
    expect(counts.compatible).toBeGreaterThan(pairCount / 10);
    expect(counts.incompatible).toBeGreaterThan(pairCount / 10);
  });
});

function isExplained(ours: readonly Difference[], theirs: readonly Breach[]): boolean {
  return theirs.every(isKnown) && ours.every(({ kind }) => kind in oursOnly);
}
