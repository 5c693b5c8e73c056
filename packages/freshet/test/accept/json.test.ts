/** Laws J1 and J2 of `readJson`: what `JSON.parse` has to give, also where the engine mistakes a key for another. */
import { readJson, reviveJson } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withSeed } from "../../src/testing/seed.ts";

const numRuns = Number(process.env.FRESHET_RUNS ?? 2000);

/** Few, so that objects of one shape come again with another key; with and without a need for escapes. */
const key = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "\\",
    '"',
    "\n",
    "\\n",
    "\nX",
    "\\u0061",
    "\u0000",
    "",
    "1",
    "__proto__",
  ),
  fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n", "é", "\ud800"), maxLength: 3 }),
);
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(1, null, true, "\\", 'x"y', "k000a"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((list) => Object.fromEntries(list)),
  ),
})).value;

/** Each letter of a key as it is or as an escape. */
function written(text: string, choice: number): string {
  return [...Array(text.length).keys()]
    .map((index) => {
      const unit = text.charAt(index);
      const isPlain = (choice >> index) % 2 === 0 && /^[a-z0-9é]$/.test(unit);
      return isPlain ? unit : `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`;
    })
    .join("");
}

/** What may stand between the parts of a text. */
const gap = fc.constantFrom("", " ", "\n\t", "\r ");

describe("reading JSON", () => {
  test("does not take an escaped key for another one that was there before", () => {
    for (const wrong of ["\\", "\\n", '\\"', "\\u0061"])
      for (const right of ["\n", '"', "\u0000", "\nX", "\t", "a"]) {
        readJson(JSON.stringify({ id: 1, [wrong]: 1 }));
        const text = `{"id":1,"${written(right, -1)}":1}`;
        expect(readJson(text)).toStrictEqual({ id: 1, [right]: 1 });
        expect(reviveJson(text, (_key, value) => value)).toStrictEqual({ id: 1, [right]: 1 });
      }
  });

  test("J1 gives back what was written, whatever was read before", () => {
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(fc.array(tree, { maxLength: 6 }), (values) => {
          for (const text of values.map((value) => JSON.stringify(value))) {
            expect(JSON.stringify(readJson(text))).toBe(text);
            expect(JSON.stringify(reviveJson(text, (_key, value) => value))).toBe(text);
          }
        }),
        { seed, numRuns },
      ),
    );
  });

  test("J1 keeps the last of equal keys in the place of the first, however they are written", () => {
    const member = fc.tuple(key, fc.nat(255), fc.nat(9), gap);
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(fc.array(member, { maxLength: 5 }), (members) => {
          const text = members.map(
            ([name, choice, value, space]) =>
              `${space}"${written(name, choice)}"${space}:${space}${value}`,
          );
          const right = Object.fromEntries(members.map(([name, , value]) => [name, value]));
          expect(JSON.stringify(readJson(`{${text}}`))).toBe(JSON.stringify(right));
        }),
        { seed, numRuns },
      ),
    );
  });

  test("J1 gives a reviver what the engine gives it", () => {
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(tree, (value) => {
          // The engine is right about keys that need no escape.
          const plain = JSON.stringify(value).replaceAll(/\\./g, "n");
          const escaped = `{"\\u0061":${plain}}`;
          const tell = (calls: unknown[]) => (name: string, part: unknown) => {
            calls.push([name, JSON.stringify(part)]);
            return part === 1 || name === "b" ? undefined : part === null ? 0 : part;
          };
          const [own, engine]: unknown[][] = [[], []];
          const made = reviveJson(escaped, tell(own as unknown[]));
          expect(made).toStrictEqual(JSON.parse(`{"a":${plain}}`, tell(engine as unknown[])));
          expect(own).toEqual(engine);
        }),
        { seed, numRuns },
      ),
    );
  });

  test("J2 throws what the engine throws", () => {
    const change = fc.tuple(
      fc.nat(),
      fc.constantFrom('"', "\\", ":", "{", "}", "", ",", "\n", "x"),
    );
    const caught = (read: (text: string) => unknown, text: string): unknown => {
      try {
        read(text);
        return null;
      } catch (error) {
        return [error instanceof SyntaxError, (error as Error).message];
      }
    };
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(tree, fc.array(change, { maxLength: 3 }), (value, changes) => {
          let text = `{"\\u0061":${JSON.stringify(value)}}`;
          for (const [place, put] of changes) {
            const at = place % text.length;
            text = text.slice(0, at) + put + text.slice(at + 1);
          }
          expect(caught(readJson, text)).toEqual(caught(JSON.parse, text));
        }),
        { seed, numRuns },
      ),
    );
  });

  test("is as deep as the text, and long in one go", () => {
    const depth = 100_000;
    const deep = `${'{"\\n":'.repeat(depth)}1${"}".repeat(depth)}`;
    let inner = readJson(deep);
    for (let level = 0; level < depth; level++) inner = (inner as { "\n": unknown })["\n"];
    expect(inner).toBe(1);
    const long = "\\\\".repeat(500_000);
    expect(readJson(`["${long}"]`)).toEqual(["\\".repeat(500_000)]);
    expect(caughtName(() => readJson(`["${long}`))).toBe("SyntaxError");
  });
});

function caughtName(run: () => unknown): string {
  try {
    run();
    return "";
  } catch (error) {
    return (error as Error).name;
  }
}
