import { RE2JS } from "re2js";
import { messageOf, schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";

/** A user's pattern on an engine whose time grows with the text, not with its powers. */
export interface Pattern {
  test(text: string): boolean;
  readonly programSize: number;
  /** The validator tells patterns apart by this text: without it the first one would stand for all. */
  toString(): string;
}

/**
 * Compiles a pattern of a schema, which holds anywhere in a text. Look-ahead, look-behind and back references are
 * refused: no engine runs them in linear time.
 */
export function compilePattern(pattern: string): Pattern {
  if (pattern.length > schemaLimits.patternCharsMax)
    throw schemaInvalid(
      `a pattern has ${pattern.length} characters, at most ${schemaLimits.patternCharsMax} are taken`,
    );
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return {
      test: (text) => compiled.test(text),
      programSize: compiled.programSize(),
      toString: () => pattern,
    };
  } catch (error) {
    throw schemaInvalid(
      `the pattern ${JSON.stringify(pattern.slice(0, shownMax))} cannot be run in linear time: ` +
        messageOf(error),
      error,
    );
  }
}

const shownMax = 60;
