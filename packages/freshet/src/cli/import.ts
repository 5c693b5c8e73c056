import type { Command } from "commander";
import { type ImportMoment, importFile } from "../app/import/import.ts";
import { findMapping, openTarget } from "../app/import/open.ts";
import { showMoment, showReport } from "../app/import/show.ts";
import { type PlaceOptions, planOfSettings, readSettings } from "../app/settings.ts";
import { UsageError } from "../app/usage-error.ts";

interface Options extends PlaceOptions {
  readonly mapping?: string;
  readonly as?: string;
  readonly url?: string;
  readonly again?: boolean;
  readonly json?: boolean;
}

export function importVerb(program: Command): void {
  program
    .command("import")
    .description("bring the rows of a CSV or JSONL file (gzip too) in as history, each once")
    .argument("<file>", "file to read")
    .option("--mapping <name>", "import of the plan that says what rows mean")
    .option("--as <name>", "name under which the rows go in, where another file took the mapping's")
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder")
    .option("--url <url>", "send to this running server")
    .option("--again", "refused: says why a file is imported once")
    .option("--json", "print the report as data")
    .action(runImport);
}

async function runImport(file: string, options: Options): Promise<void> {
  if (options.again === true) throw refuseAgain();
  if (options.as !== undefined && !/^[\w.-]{1,100}$/.test(options.as))
    throw new UsageError(
      `"${options.as}" is no name for an import`,
      "use letters, digits, dots and dashes",
    );
  const settings = await readSettings(options);
  const plan = await planOfSettings(settings);
  const mapping = findMapping(plan.plan.definition, options.mapping);
  const { signal, stop } = interrupts();
  const { url } = options;
  let place = "";
  const report = await importFile({
    file,
    mapping,
    ...(options.as === undefined ? {} : { name: options.as }),
    data: settings.data,
    target: async () => {
      const target = await openTarget({
        settings,
        plan,
        signal,
        ...(url === undefined ? {} : { url }),
      });
      place = target.place;
      process.stderr.write(`importing "${file}" into ${place}\n`);
      return target;
    },
    onProgress: progressLine(),
    signal,
  }).finally(stop);
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  process.stdout.write(
    options.json === true ? `${JSON.stringify(report, null, 2)}\n` : showReport(report, place),
  );
  if (report.outcome === "interrupted") process.exitCode = 1;
}

/** The first interrupt ends the import behind the batches under way, a second one the process. */
function interrupts(): { readonly signal: AbortSignal; readonly stop: () => void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(1);
    process.stderr.write("\nstopping behind the rows that are under way\n");
    controller.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    stop: () => process.off("SIGINT", onSignal).off("SIGTERM", onSignal),
  };
}

/** On a terminal one line that changes, elsewhere a line every few seconds. */
function progressLine(): (moment: ImportMoment) => void {
  const { isTTY } = process.stderr;
  const everyMs = isTTY ? 200 : 3000;
  let shown = 0;
  return (moment) => {
    if (moment.elapsedMs - shown < everyMs) return;
    shown = moment.elapsedMs;
    process.stderr.write(isTTY ? `\r${showMoment(moment)}\u001b[K` : `${showMoment(moment)}\n`);
  };
}

function refuseAgain(): UsageError {
  return new UsageError(
    "a file is imported once: rows are told apart by import and row number",
    "a second time nothing would be added, or everything would count twice; to start over use another data folder, " +
      "to take the rows as other history give them another name with --as <name>",
  );
}
