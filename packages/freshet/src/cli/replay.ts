import { resolve } from "node:path";
import type { Command } from "commander";
import { loadPlan } from "../app/load.ts";
import { type ReplayMoment, type ReplayReport, replayFolder } from "../app/replay.ts";
import { showReplay, showReplayMoment } from "../app/replay-show.ts";
import { type PlaceOptions, readSettings } from "../app/settings.ts";
import { UsageError } from "../app/usage-error.ts";
import { compilePlan } from "../core/plan/compile.ts";

interface Options extends PlaceOptions {
  readonly plan?: string;
  readonly from?: string;
  readonly to?: string;
  readonly into?: string;
  readonly check?: boolean;
  readonly apply?: boolean;
  readonly json?: boolean;
}

export function replayVerb(program: Command): void {
  program
    .command("replay")
    .description(
      "reduce the log again beside the live state, into the plans as they were or another one; nothing is sent",
    )
    .option("--plan <file>", "replay into this plan: what it would make of everything that came")
    .option("--from <offset|time>", "begin here, with empty profiles")
    .option("--to <offset|time>", "end before this")
    .option("--into <folder>", "keep the replayed state in this folder")
    .option("--check", "exit with 1 unless the replay gives the live state")
    .option("--apply", "make the replayed state the folder's own; no server may run")
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder")
    .option("--json", "print the report as data")
    .action(runReplay);
}

async function runReplay(options: Options): Promise<void> {
  if (options.check === true && options.plan !== undefined)
    throw new UsageError(
      "--check compares with the live state, which another plan did not make",
      "leave out --check or --plan",
    );
  const data =
    options.data === undefined ? (await readSettings(options)).data : resolve(options.data);
  const loaded = options.plan === undefined ? null : await loadPlan(resolve(options.plan), data);
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const { from, to, into } = options;
  const report = await replayFolder({
    data,
    ...(loaded === null ? {} : { plan: compilePlan(loaded.plan) }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(into === undefined ? {} : { into }),
    apply: options.apply === true,
    onProgress: progressLine(),
    signal: controller.signal,
  }).finally(() => process.off("SIGINT", stop).off("SIGTERM", stop));
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  process.stdout.write(
    options.json === true ? `${JSON.stringify(report, null, 2)}\n` : showReplay(report),
  );
  if (options.check === true && !isSame(report)) process.exitCode = 1;
}

function isSame({ comparison }: ReplayReport): boolean {
  return typeof comparison !== "string" && comparison.different === 0;
}

function progressLine(): (moment: ReplayMoment) => void {
  const { isTTY } = process.stderr;
  let shown = 0;
  return (moment) => {
    if (moment.elapsedMs - shown < (isTTY ? 200 : 3000)) return;
    shown = moment.elapsedMs;
    process.stderr.write(
      isTTY ? `\r${showReplayMoment(moment)}\u001b[K` : `${showReplayMoment(moment)}\n`,
    );
  };
}
