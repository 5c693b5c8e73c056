import { codeOf, type Finding, findLines, type SourceFile, withoutComments } from "./code.ts";

/** What a reducer must not touch, though the compiler would let it (DESIGN section 3, rule 6). */
const bannedInCore: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.(now|parse|UTC)\b/, "reads the clock, or a date by the platform's rules"],
  [/\bnew Date\b|(?<![.\w])Date\(/, "makes a date"],
  [/\bMath\.random\b/, "is random"],
  [/\bMath\.(pow|sinh|cosh|tanh|expm1|cbrt|log1p)\b/, "differs in its last bit between engines"],
  [/(?<![\dn]n )\*\*/, "raises to a power; between bigints only, or multiply"],
  [/(?<![.\w])process\b/, "reads the process"],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/, "waits"],
  [/\.toLocale\w*|\bIntl\b|\.localeCompare\b|\.normalize\(/, "depends on the locale"],
  [/(?<![.\w])(console|fetch|crypto|performance)\b/, "reaches outside"],
];

export function coreFindings(file: SourceFile): Finding[] {
  const code = { path: file.path, text: codeOf(file.text) };
  return bannedInCore.flatMap(([pattern, what]) => findLines(code, pattern, `core ${what}`));
}

export function anyFindings(file: SourceFile): Finding[] {
  const code = { path: file.path, text: codeOf(file.text) };
  return findLines(
    code,
    /(?:[:|&<,]|\bas|(?<![=!<>])=)\s*any\b(?!\s*[(:?=])|\bany\[\]/,
    'has the type "any"',
  );
}

/** What is read as JSON may have any keys, and the engine mistakes some of them: `readJson` says which. */
export function jsonFindings(file: SourceFile): Finding[] {
  const code = { path: file.path, text: codeOf(file.text) };
  return findLines(code, /\bJSON\.parse\b|\.json\(\)/, "reads JSON without readJson");
}

/** Marks of what is left to do are built here, so that this file has none. */
const marks = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);

export function markFindings(file: SourceFile): Finding[] {
  return findLines(file, marks, "says that something is left to do");
}

const focused = /\b(?:describe|it|test|suite)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/;
const renamed = /(?<![.\w])(?:xit|xdescribe|xtest|fit|fdescribe)\(/;

export function skipFindings(file: SourceFile): Finding[] {
  const code = { path: file.path, text: codeOf(file.text) };
  return [
    ...findLines(code, focused, "skips or focuses a test"),
    ...findLines(code, renamed, "skips or focuses a test"),
  ];
}

export const linesMax = 500;
export const charsMax = 125;

export function lengthFindings({ path, text }: SourceFile): Finding[] {
  const lines = text.split("\n");
  const count = lines.length - (lines.at(-1) === "" ? 1 : 0);
  const long =
    count > linesMax ? [`${path}:${count}: has ${count} lines, at most ${linesMax}`] : [];
  return [...long, ...lines.flatMap((line, index) => lineFinding(path, line, index + 1))];
}

/** The formatter keeps code below 100 and cannot cut a text; a comment may be a little longer. */
function lineFinding(path: string, line: string, number: number): Finding[] {
  if (line.length <= charsMax || /["'`/]/.test(withoutPureComment(line))) return [];
  return [`${path}:${number}: has ${line.length} characters, at most ${charsMax}`];
}

function withoutPureComment(line: string): string {
  return /^\s*(\/\/|\/\*|\*)/.test(line) ? "" : line;
}

/** Folders of people and machines. A path below the root of a web site is none. */
const machinePath = /(?<![\w./])\/(home|Users|root|work|mnt|opt\/homebrew)\/[\w.-]+|\b[A-Z]:\\\w/;

export function machinePathFindings(file: SourceFile): Finding[] {
  return findLines(file, machinePath, "names a path of somebody's machine");
}

/** Host names of package registries and mirrors, put together so that this file has none. */
const registries = [
  ["registry", "npmjs", "org"],
  ["registry", "yarnpkg", "com"],
  ["npm", "pkg", "github", "com"],
].map((parts) => parts.join("\\."));
const registry = new RegExp(
  `${registries.join("|")}|https?://[\\w.-]*(artifactory|nexus|verdaccio)`,
);

export function registryFindings(file: SourceFile): Finding[] {
  return findLines(file, registry, "names a package registry");
}

export function lockFindings(file: SourceFile): Finding[] {
  return findLines(file, /"resolved":\s*"[a-z+]+:/, "carries a download address");
}

/** Exported functions, classes and interfaces with methods, and whether a comment stands above them. */
export function docFindings({ path, text }: SourceFile): Finding[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const name = /^export (?:abstract )?(?:async )?(?:function|class|interface) (\w+)/.exec(
      line,
    )?.[1];
    if (name === undefined || !isCalled(lines, index)) return [];
    const above = lines[index - 1]?.trim() ?? "";
    return above.endsWith("*/") ? [] : [`${path}:${index + 1}: "${name}" has no docstring`];
  });
}

function isCalled(lines: readonly string[], index: number): boolean {
  if (!/\binterface\b/.test(lines[index] ?? "")) return true;
  const end = lines.findIndex((line, at) => at > index && line === "}");
  return lines.slice(index, end).some((line) => /^ {2}\w+\??[(<]/.test(withoutComments(line)));
}
