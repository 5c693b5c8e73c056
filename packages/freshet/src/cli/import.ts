import type { Command } from "commander";
import type { Settings } from "../app/config.ts";
import { builtInMapping } from "../app/import/built-in.ts";
import { formatOf } from "../app/import/file.ts";
import { type FormatName, formatNames, formats, isFormatName } from "../app/import/format/index.ts";
import { type ImportMoment, type ImportReport, importFile } from "../app/import/import.ts";
import type { Mapping } from "../app/import/mapping.ts";
import { findMapping, openTarget } from "../app/import/open.ts";
import { showMoment, showReport } from "../app/import/show.ts";
import { visitorKeyOf } from "../app/import/visitor-key.ts";
import type { LoadedPlan } from "../app/load.ts";
import { type PlaceOptions, planOfSettings, readSettings } from "../app/settings.ts";
import { UsageError } from "../app/usage-error.ts";
import type { ImportDefinition } from "../core/plan/definition.ts";
import { nearest } from "../core/plan/error.ts";

interface Options extends PlaceOptions {
  readonly mapping?: string;
  readonly format?: string;
  readonly segmentNames?: boolean;
  readonly as?: string;
  readonly url?: string;
  readonly again?: boolean;
  readonly json?: boolean;
}

export function importVerb(program: Command): void {
  program
    .command("import")
    .description("bring the rows of files in as history, each once; gzip too")
    .argument("<file...>", "files to read, one after the other")
    .option("--format <name>", `${formatNames.join(", ")}; found out unless said`)
    .option("--mapping <name>", "import of the plan that says what rows mean")
    .option("--segment-names", "name e-commerce events of an export as Segment does")
    .option("--as <name>", "name under which the rows go in, where another file took the mapping's")
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder")
    .option("--url <url>", "send to this running server")
    .option("--again", "refused: says why a file is imported once")
    .option("--json", "print the report as data")
    .action(runImport);
}

async function runImport(files: readonly string[], options: Options): Promise<void> {
  checkOptions(files, options);
  const settings = await readSettings(options);
  const plan = await planOfSettings(settings);
  const { signal, stop } = interrupts();
  const reports: ImportReport[] = [];
  const run: Work = { options, settings, plan, signal };
  try {
    for (const file of files) {
      const { report, place } = await importOne(file, run);
      reports.push(report);
      if (options.json !== true) process.stdout.write(showReport(report, place));
      if (report.outcome === "interrupted") break;
    }
  } finally {
    stop();
  }
  if (options.json === true)
    process.stdout.write(`${JSON.stringify(files.length === 1 ? reports[0] : reports, null, 2)}\n`);
  if (reports.some(({ outcome }) => outcome === "interrupted")) process.exitCode = 1;
}

function checkOptions(files: readonly string[], { again, as, format }: Options): void {
  if (again === true) throw refuseAgain();
  if (as !== undefined && !/^[\w.-]{1,100}$/.test(as))
    throw new UsageError(
      `"${as}" is no name for an import`,
      "use letters, digits, dots and dashes",
    );
  if (as !== undefined && files.length > 1)
    throw new UsageError(
      `${files.length} files cannot go in under one name, "${as}"`,
      "import them one by one, each with a name of its own",
    );
  if (format === undefined || isFormatName(format)) return;
  const near = nearest(format, formatNames);
  throw new UsageError(
    `"${format}" is no format that import reads`,
    near === null ? `use one of ${formatNames.join(", ")}` : `did you mean "${near}"?`,
  );
}

/** What all files of one command have in common. */
interface Work {
  readonly options: Options;
  readonly settings: Settings;
  readonly plan: LoadedPlan;
  readonly signal: AbortSignal;
}

async function importOne(
  file: string,
  work: Work,
): Promise<{ readonly report: ImportReport; readonly place: string }> {
  const { options, settings, plan, signal } = work;
  const { url, as } = options;
  const format = await formatFor(file, options);
  let place = "";
  const report = await importFile({
    file,
    format,
    mapping: mappingFor(format, work),
    ...(as === undefined ? {} : { name: as }),
    data: settings.data,
    target: async () => {
      const target = await openTarget({
        ...{ settings, plan, signal },
        ...(url === undefined ? {} : { url }),
      });
      place = target.place;
      process.stderr.write(`importing "${file}" into ${place}\n`);
      return target;
    },
    onProgress: progressLine(),
    signal,
  });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  return { report, place };
}

async function formatFor(file: string, { format }: Options): Promise<FormatName> {
  if (format !== undefined && isFormatName(format)) return format;
  const found = await formatOf(file);
  process.stderr.write(`"${file}" looks like ${formats[found].title} (--format ${found})\n`);
  return found;
}

/** The plan's import where one is named, or where the format itself says nothing about what rows mean. */
function mappingFor(
  format: FormatName,
  { options, settings, plan }: Work,
): Mapping | ImportDefinition {
  const builtIn =
    options.mapping === undefined
      ? builtInMapping(format, {
          visitorKey: visitorKeyOf(settings.data),
          usesSegmentNames: options.segmentNames === true,
        })
      : null;
  return builtIn ?? findMapping(plan.plan.definition, options.mapping);
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
