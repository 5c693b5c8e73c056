import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import { Argument, type Command } from "commander";
import {
  findServer,
  getLetters,
  type LetterRow,
  type LetterRun,
  type LetterServer,
  type LetterSummary,
  postLetters,
  watchRun,
} from "../app/letters/client.ts";
import {
  showDryRun,
  showLetter,
  showList,
  showOutcome,
  showProgress,
  showRun,
  showRuns,
  showSummary,
} from "../app/letters/show.ts";
import type { PlaceOptions } from "../app/settings.ts";
import { UsageError } from "../app/usage-error.ts";
import type { DryRun } from "../server/letter/dry-run.ts";

const actions = [
  ...(["list", "show", "summary", "correct", "retry", "discard", "restore"] as const),
  ...(["jobs", "cancel"] as const),
];
type Action = (typeof actions)[number];

interface Options extends PlaceOptions {
  readonly url?: string;
  readonly code?: string;
  readonly source?: string;
  readonly name?: string;
  readonly messageId?: string;
  readonly contains?: string;
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
  readonly state?: string;
  readonly before?: string;
  readonly limit?: string;
  readonly file?: string;
  readonly event?: string;
  readonly dryRun?: boolean;
  readonly vouched?: boolean;
  readonly reason?: string;
  readonly by?: string;
  readonly json?: boolean;
}

export function deadLettersVerb(program: Command): void {
  program
    .command("dead-letters")
    .description("look at rejected events of a running server, correct them and send them again")
    .addArgument(new Argument("<action>", "what to do").choices(actions))
    .argument("[id...]", "letters; of show, the letter; of jobs and cancel, the run")
    .option("--code <code>", "letters of this reason")
    .option("--source <name>", "of this source")
    .option("--name <event>", "of events with this name")
    .option("--message-id <id>", "of this message id")
    .option("--contains <text>", "with this text in event or reason")
    .option("--from <time>", "seen last then or later")
    .option("--to <time>", "seen first before then")
    .option("--all", "every letter: what changes letters wants it said")
    .option("--state <state>", "list: waiting (unless said), sent, discarded or all")
    .option("--before <id>", "list: older than this one")
    .option("--limit <rows>", "list: at most so many")
    .option("--file <file>", "correct: changes as JSON, a list or { filter, changes }")
    .option("--event <file>", "correct: the whole event for one letter, as JSON")
    .option("--dry-run", "say what would happen, and write nothing")
    .option("--vouched", "answer for identity, consent and bots, which cannot be checked again")
    .option("--reason <text>", "discard: why")
    .option("--by <name>", "who does it; your name on this machine unless said")
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder, for its secret key")
    .option("--url <url>", "the running server")
    .option("--json", "print answers as data")
    .action(run);
}

interface Work {
  readonly server: LetterServer;
  readonly ids: readonly string[];
  readonly options: Options;
}

async function run(action: Action, ids: readonly string[], options: Options): Promise<void> {
  // Before the server is looked for: wrong usage is told first.
  const body = isRun(action) ? bodyOf(action, ids, options) : {};
  const work: Work = { server: await findServer(options), ids, options };
  switch (action) {
    case "list":
      return list(work);
    case "show":
      return print(work, await getLetters(work.server, `/${only(ids, "letter")}`), (letter) =>
        showLetter(letter as unknown as LetterRow),
      );
    case "summary":
      return print(work, await getLetters(work.server, "/summary"), (summary) =>
        showSummary(summary as unknown as LetterSummary),
      );
    case "jobs":
      return jobs(work);
    case "cancel": {
      const path = `jobs/${encodeURIComponent(only(ids, "run"))}/cancel`;
      const answer = await postLetters(work.server, path, {});
      return print(work, answer, (one) => showRun(one as unknown as LetterRun));
    }
    case "correct":
    case "retry":
    case "discard":
    case "restore":
      return change(action, body, work);
  }
}

function isRun(action: Action): action is "correct" | "retry" | "discard" | "restore" {
  return ["correct", "retry", "discard", "restore"].includes(action);
}

async function list(work: Work): Promise<void> {
  const { state, before, limit } = work.options;
  const query = { ...filterOf(work.options), state, before, limit };
  const answer = await getLetters(work.server, "", query);
  print(work, answer, ({ deadLetters, next }) =>
    // The answer of this path: rows, and where the next page begins.
    showList(deadLetters as unknown as LetterRow[], next as string | null),
  );
}

async function jobs(work: Work): Promise<void> {
  const { server, ids } = work;
  if (ids.length === 0)
    return print(work, await getLetters(server, "/jobs"), (answer) =>
      showRuns(answer.jobs as unknown as LetterRun[]),
    );
  const path = `/jobs/${encodeURIComponent(only(ids, "run"))}`;
  const first = (await getLetters(server, path)) as unknown as LetterRun;
  await finish(first, work);
}

/** Sends what was asked for, and looks on until it has ended. */
async function change(action: string, body: JsonObject, work: Work): Promise<void> {
  const answer = await postLetters(work.server, action, body);
  if (answer.outcome !== undefined) {
    if (answer.outcome === "refused" || answer.outcome === "failed") process.exitCode = 1;
    return print(work, answer, showOutcome);
  }
  if (answer.dryRun === true)
    return print(work, answer, (dryRun) => showDryRun(dryRun as unknown as DryRun));
  await finish(answer as unknown as LetterRun, work);
}

async function finish(first: LetterRun, work: Work): Promise<void> {
  const { isTTY } = process.stderr;
  const stop = () => {
    process.stderr.write(
      `\nthe run goes on without you; stop it with: freshet dead-letters cancel ${first.id}\n`,
    );
    process.exit(1);
  };
  process.once("SIGINT", stop);
  const ended = await watchRun(work.server, first, (now) => {
    if (isTTY) process.stderr.write(`\r${showProgress(now)}\u001b[K`);
  });
  process.off("SIGINT", stop);
  if (isTTY) process.stderr.write("\r\u001b[K");
  print(work, ended as unknown as JsonObject, () => showRun(ended));
  if (ended.status !== "done") process.exitCode = 1;
}

/** Names which letters, and what is to become of them. */
function bodyOf(action: Action, ids: readonly string[], options: Options): JsonObject {
  const { file, event, dryRun, vouched, reason, all } = options;
  const common: JsonObject = {
    by: options.by ?? whoAmI(),
    ...(dryRun === true ? { dryRun } : {}),
    ...(vouched === true ? { vouched } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
  if (action === "correct" && event !== undefined)
    return { ...common, id: only(ids, "letter"), event: readJsonFile(event) };
  if (action === "correct" && file === undefined)
    throw new UsageError(
      "what is to be corrected?",
      "give changes with --file <file>, or the event of one letter with --event <file>",
    );
  const read = action === "correct" ? readJsonFile(file ?? "") : {};
  const inFile: JsonObject = isObject(read) ? read : { changes: read };
  const filter = filterOf(options);
  const named: JsonObject[] = [
    ...(ids.length > 0 ? [{ ids }] : []),
    ...(Object.keys(filter).length > 0 ? [{ filter }] : []),
    ...(all === true ? [{ all }] : []),
  ];
  const isInFile = nameFields.some((field) => inFile[field] !== undefined);
  if (named.length + (isInFile ? 1 : 0) !== 1)
    throw new UsageError(
      named.length === 0 ? "which letters are meant?" : "the letters are named in several ways",
      "name them by their ids, by a filter such as --code, or with --all",
    );
  return { ...inFile, ...common, ...named[0] };
}

/** A machine may have no name for its user. */
function whoAmI(): string {
  try {
    return userInfo().username;
  } catch {
    return "command line";
  }
}

const nameFields = ["id", "ids", "filter", "all"] as const;

function filterOf(options: Options): JsonObject {
  const { code, source, name, messageId, contains, from, to } = options;
  const given = Object.entries({ code, source, name, messageId, contains, from, to });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function only(ids: readonly string[], what: string): string {
  const [id] = ids;
  if (id !== undefined && ids.length === 1) return id;
  throw new UsageError(
    `this takes the id of one ${what}`,
    "list shows the ids of letters, jobs those of runs",
  );
}

function readJsonFile(file: string): Json {
  try {
    return readJson(readFileSync(file, "utf8")) as Json;
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`"${file}" cannot be read as JSON: ${message}`, "check path and contents");
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function print({ options }: Work, answer: JsonObject, show: (answer: JsonObject) => string): void {
  process.stdout.write(
    options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : show(answer),
  );
}
