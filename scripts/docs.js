// Fills the parts of the docs that are cut from code: snippets, and the tables of errors, limits, metrics and settings.
// `node scripts/docs.js` writes them, `--check` only says what is out of date. A part begins with
// `<!-- <kind>: <argument> -->` and ends with `<!-- end -->`; what stands between the two is written by this file.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");

/** Every page of the project, relative to its root. */
export function pages() {
  const found = ["README.md", "CONTRIBUTING.md", "bench/README.md"];
  for (const entry of readdirSync(join(root, "docs"), { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith(".md"))
      found.push(relative(root, join(entry.parentPath, entry.name)));
  return found.sort();
}

/** Pages whose generated parts are not what the code says, with what they should be. */
export async function outdatedPages() {
  const outdated = [];
  for (const page of pages()) {
    const text = readFileSync(join(root, page), "utf8");
    const filled = await fill(text, page);
    if (filled !== text) outdated.push({ page, filled });
  }
  return outdated;
}

/** A page with all its generated parts as they should be. Throws where a part cannot be made. */
export async function fill(text, page) {
  const marker = /<!-- (\w+): ?(.*?) ?-->\n(?:(?!<!-- end -->)[\s\S])*<!-- end -->/g;
  const parts = [];
  for (const [whole, kind, argument] of text.matchAll(marker)) {
    const make = makers[kind];
    if (make === undefined) throw new Error(`${page}: there is no generated part "${kind}"`);
    parts.push({
      whole,
      filled: `<!-- ${kind}: ${argument} -->\n${await make(argument)}\n<!-- end -->`,
    });
  }
  const queue = parts.map(({ filled }) => filled);
  return text.replace(marker, () => queue.shift());
}

const makers = {
  snippet: snippet,
  errors: errorTable,
  limits: limitTable,
  constants: constantTable,
  metrics: metricTable,
  features: featureTable,
  settings: settingTable,
  verbs: verbTexts,
  cases: caseTable,
};

/**
 * `<path>` or `<path>#<name>`: a file, what stands between `// snippet: <name>` and `// end snippet`, or else the
 * declaration of that name.
 */
function snippet(argument) {
  const [path, name] = argument.split("#");
  const text = read(path);
  const code = name === undefined ? text : cutSnippet(text, name, path);
  return `\`\`\`${extname(path).slice(1)}\n${withoutMarkers(code).trim()}\n\`\`\``;
}

export function cutSnippet(text, name, path) {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => line.trim() === `// snippet: ${name}`);
  const to = lines.findIndex((line, at) => at > from && line.trim() === "// end snippet");
  if (from >= 0 && to < 0) throw new Error(`${path} does not end its snippet "${name}"`);
  const cut = from < 0 ? declarationOf(lines, name) : lines.slice(from + 1, to);
  if (cut.length === 0) throw new Error(`${path} has no snippet and no declaration "${name}"`);
  const indents = cut.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  return cut.map((line) => line.slice(indent)).join("\n");
}

/** From `const <name>` to the line that ends the statement. */
function declarationOf(lines, name) {
  const from = lines.findIndex((line) => line.startsWith(`const ${name} = `));
  const to = lines.findIndex((line, at) => at >= from && /^\S.*;$/.test(line));
  return from < 0 || to < 0 ? [] : lines.slice(from, to + 1);
}

function withoutMarkers(code) {
  return code
    .split("\n")
    .filter((line) => !/^\s*\/\/ (snippet: .*|end snippet)$/.test(line))
    .join("\n");
}

async function errorTable() {
  const { errorCatalogue } = await load("packages/protocol/src/errors.ts");
  const rows = Object.entries(errorCatalogue).map(([code, { status, hint, retryable }]) => [
    `\`${code}\``,
    status,
    retryable ? "yes" : "no",
    hint,
  ]);
  return table(["code", "status", "retry", "what to do"], rows);
}

/**
 * `<path>#<constant>` and, where the reasons stand at an interface, `#<interface>`: one row for each limit, with the
 * comment above it.
 */
function limitTable(argument) {
  const [path, constant, type] = argument.split("#");
  const text = read(path);
  const values = entriesOf(blockOf(text, `export const ${constant}`, path), ":");
  const reasons =
    type === undefined ? values : entriesOf(blockOf(text, `export interface ${type}`, path), ":");
  const reasonOf = new Map(reasons.map(({ name, comment }) => [name, comment]));
  const rows = values.map(({ name, value, comment }) => [
    `\`${name}\``,
    shown(name, evaluate(value)),
    [comment, type === undefined ? "" : reasonOf.get(name)].filter(Boolean).join(" "),
  ]);
  return table(["limit", "value", "what for"], rows);
}

/** Limits that are a constant of their own: `<path>#<constant> <path>#<constant> ...`. */
function constantTable(argument) {
  const rows = argument.split(/\s+/).map((place) => {
    const [path, constant] = place.split("#");
    const text = read(path);
    const found = new RegExp(
      `(?:/\\*\\*([\\s\\S]*?)\\*/\\n)?export const ${constant} = ([^;]+);`,
    ).exec(text);
    if (found === null) throw new Error(`${path} has no constant "${constant}"`);
    const comment = plainComment((found[1] ?? "").split("/**").at(-1));
    return [`\`${constant}\``, shown(constant, evaluate(found[2])), comment];
  });
  return table(["limit", "value", "what for"], rows);
}

/** Everything that `/metrics` shows of Freshet itself. */
function metricTable() {
  const rows = metricNames().map(({ name, help }) => [`\`${name}\``, help]);
  return table(["metric", "meaning"], rows);
}

export function metricNames() {
  const files = [
    "packages/freshet/src/telemetry/engine-metrics.ts",
    "packages/freshet/src/telemetry/metrics.ts",
    "packages/freshet/src/telemetry/feed-metrics.ts",
    "packages/freshet/src/telemetry/registry-metrics.ts",
  ];
  const forms = [
    /\b(?:row|gauge|histogram|counter)\(\s*"([a-z_]+)",\s*"([^"]+)"/g,
    /\bname: "([a-z_]+)",\s*help: "([^"]+)"/g,
  ];
  return files.flatMap((path) =>
    forms.flatMap((form) =>
      [...read(path).matchAll(form)].map(([, name = "", help = ""]) => ({
        name: name.startsWith("freshet_") ? name : `freshet_${name}`,
        help,
      })),
    ),
  );
}

async function featureTable() {
  const { featureTypes } = await load("packages/freshet/src/core/feature/index.ts");
  const rows = Object.entries(featureTypes).map(([name, { bound }]) => [`\`${name}\``, bound]);
  return table(["type", "state, and how exact it is"], rows);
}

/** The cases of one section of the conformance suite. */
async function caseTable(section) {
  const { conformanceCases } = await load("packages/freshet/src/testing/conformance/case/index.ts");
  const rows = conformanceCases
    .filter((one) => one.section === Number(section))
    .map(({ id, title }) => [`\`${id}\``, title]);
  return table(["case", "what must hold"], rows);
}

/** `<path>#<interface>`: its fields with the comments above them. */
function settingTable(argument) {
  const [path, type] = argument.split("#");
  const fields = entriesOf(blockOf(read(path), `export interface ${type}`, path), ":");
  const rows = fields.map(({ name, value, comment }) => [`\`${name}\``, `\`${value}\``, comment]);
  return table(["setting", "type", "meaning"], rows);
}

/** What `freshet <verb> --help` prints, for every verb. */
async function verbTexts() {
  const { Command } = await import(
    pathToFileURL(resolveFrom("packages/freshet", "commander")).href
  );
  const { registerVerbs } = await load("packages/freshet/src/cli/verbs.ts");
  const program = new Command("freshet");
  program.configureHelp({ helpWidth: 100 });
  registerVerbs(program);
  return program.commands
    .map((verb) => `### ${verb.name()}\n\n\`\`\`text\n${verb.helpInformation().trim()}\n\`\`\``)
    .join("\n\n");
}

function resolveFrom(folder, name) {
  const parent = pathToFileURL(join(root, folder, "package.json"));
  return new URL(import.meta.resolve(name, parent)).pathname;
}

/** The lines between the braces of a declaration. */
function blockOf(text, start, path) {
  const from = text.indexOf(start);
  const end = text.indexOf("\n}", from);
  if (from < 0 || end < 0) throw new Error(`${path} has no "${start}"`);
  return text.slice(text.indexOf("{\n", from) + 2, end);
}

/** `name: value` with the comment above it, one level deep. */
function entriesOf(block) {
  const entries = [];
  let comment = [];
  for (const line of block.split("\n")) {
    const text = line.trim();
    const entry = /^ {2}(?:readonly )?(\w+)\??: (.+?)[,;]?$/.exec(line);
    if (entry !== null) {
      entries.push({ name: entry[1], value: entry[2], comment: plainComment(comment.join("\n")) });
      comment = [];
    } else if (/^(\/\*\*|\*|\/\/)/.test(text)) comment.push(text);
    else comment = [];
  }
  return entries;
}

function plainComment(text) {
  return text
    .replace(/^\s*(?:\/\*\*|\*\/|\*|\/\/)\s?/gm, "")
    .replace(/\*\/\s*$/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Numbers and arithmetic, nothing else. */
function evaluate(text) {
  if (!/^[\d_\s*()+.-]+$/.test(text)) throw new Error(`"${text}" is not a number`);
  return Number(new Function(`return ${text}`)());
}

/** A value in the unit that its name says, in words where that reads better. */
function shown(name, value) {
  if (/bytes/i.test(name))
    return inUnits(
      value,
      [
        ["GiB", 1024 ** 3],
        ["MiB", 1024 ** 2],
        ["KiB", 1024],
      ],
      "bytes",
    );
  if (/MsMin$/.test(name)) return new Date(value).toISOString().slice(0, 10);
  if (/(^|[a-z])Ms([A-Z]|$)/.test(name)) {
    const units = [
      ["d", 86_400_000],
      ["h", 3_600_000],
      ["min", 60_000],
      ["s", 1000],
    ];
    return inUnits(value, units, "ms");
  }
  if (/seconds/i.test(name))
    return inUnits(
      value,
      [
        ["h", 3600],
        ["min", 60],
      ],
      "s",
    );
  return grouped(value);
}

function inUnits(value, units, smallest) {
  for (const [unit, size] of units)
    if (value >= size && value % size === 0) return `${grouped(value / size)} ${unit}`;
  return `${grouped(value)} ${smallest}`;
}

function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function table(heads, rows) {
  const cell = (value) => String(value).replaceAll("|", "\\|");
  const lines = [heads, heads.map(() => "---"), ...rows].map(
    (row) => `| ${row.map(cell).join(" | ")} |`,
  );
  return lines.join("\n");
}

function read(path) {
  return readFileSync(join(root, path), "utf8");
}

function load(path) {
  return import(pathToFileURL(join(root, path)).href);
}

if (process.argv[1] === import.meta.filename) {
  const outdated = await outdatedPages();
  const isCheck = process.argv.includes("--check");
  for (const { page, filled } of outdated) {
    console.log(isCheck ? `out of date: ${page}` : `written: ${page}`);
    if (!isCheck) writeFileSync(join(root, page), filled);
  }
  if (isCheck && outdated.length > 0) process.exitCode = 1;
}
