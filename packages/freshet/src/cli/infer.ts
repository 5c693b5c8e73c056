import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { type InferMoment, type InferReport, inferTraffic } from "../app/infer/infer.ts";
import { type InferPlaceOptions, openPlace } from "../app/infer/place.ts";
import { showBreaches, showInference, showInferMoment, showRead } from "../app/infer/show.ts";
import { type InferFormat, inferFormats, proposalText } from "../app/infer/texts.ts";
import { UsageError } from "../app/usage-error.ts";
import { writeWhole } from "../app/write-whole.ts";

interface Options extends InferPlaceOptions {
  readonly events: string;
  readonly seed: string;
  readonly format?: InferFormat;
  readonly out?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

export function inferVerb(program: Command): void {
  program
    .command("infer")
    .description("look at the events that came, refused ones too, and propose their contracts")
    .argument("[event...]", "names of events to look at; all unless said")
    .option("--data <folder>", "data folder; a server may run on it")
    .option("--url <url>", "read from this running server instead")
    .option("--config <file>", "configuration, with the plan to compare with")
    .option("--events <number>", "look at so many events at most, the newest", "1000000")
    .option("--since <time>", "none from before: 2026-05-04T12:00:00Z, or 90m, 24h, 7d ago")
    .addOption(
      new Option("--format <name>", "print the contracts: a plan's builders, or schemas").choices(
        inferFormats,
      ),
    )
    .option(
      "--out <file>",
      "write the contracts into this file; the format by its name unless said",
    )
    .option("--check", "exit with 1 if events break the plan's contracts, and list how")
    .option("--seed <number>", "chooses the events that proposals are tried on", "1")
    .option("--json", "print the report as data")
    .action(run);
}

async function run(names: readonly string[], options: Options): Promise<void> {
  const [eventsMax, seed] = [wholeOf("--events", options.events), wholeOf("--seed", options.seed)];
  const format = formatOf(options);
  if (options.json === true && format !== undefined && options.out === undefined)
    throw new UsageError("--json and --format both print", "write the contracts with --out <file>");
  const place = await openPlace(options);
  const { signal, stop } = interrupts();
  let report: InferReport;
  try {
    if (options.check === true && place.plan === undefined)
      throw new UsageError("there is no plan to check against", "name one with --config");
    report = await inferTraffic({
      ...{ reader: place.reader, names, eventsMax, seed, signal },
      ...(place.plan === undefined ? {} : { plan: place.plan }),
      onProgress: progressLine(),
    });
  } finally {
    stop();
    await place.close();
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }
  print(report, place.name, { ...options, ...(format === undefined ? {} : { format }) });
  const isBroken = report.plan !== undefined && report.plan.broken > 0;
  if (report.isInterrupted || (options.check === true && isBroken)) process.exitCode = 1;
}

function print(report: InferReport, place: string, options: Options): void {
  const { format, out, check, json } = options;
  const written = format === undefined ? null : textOf(format, report);
  // The text alone, so that it can go into a file or another program; the rest goes beside it.
  const isPiped = written !== null && out === undefined;
  const [main, beside] = isPiped ? [process.stderr, process.stdout] : [process.stdout, null];
  if (written !== null && out !== undefined) writeWhole(resolve(out), written.text);
  beside?.write(written?.text ?? "");
  if (json === true) main.write(`${JSON.stringify(dataOf(report), null, 2)}\n`);
  else if (check === true) main.write(showBreaches(report, place));
  else main.write(isPiped ? `${showRead(report, place)}\n` : showInference(report, place));
  for (const note of written?.notes ?? []) process.stderr.write(`note: ${note}\n`);
}

function textOf(format: InferFormat, { proposals, summaries }: InferReport) {
  return proposalText(format, proposals, summaries);
}

/** Without the summaries, whose samples are events. */
function dataOf({ summaries: _summaries, plan, ...report }: InferReport) {
  if (plan === undefined) return report;
  const events = [...plan.events].map(([name, { unnamed, neverSeen }]) => ({
    ...{ name, unnamed: [...unnamed], neverSeen },
  }));
  return { ...report, plan: { ...plan, events } };
}

const endings: readonly (readonly [RegExp, InferFormat])[] = [
  [/\.[cm]?ts$/, "ts"],
  [/\.(avsc|avro)$/, "avro"],
  [/\.proto$/, "protobuf"],
  [/\.json$/, "json"],
];

function formatOf({ format, out }: Options): InferFormat | undefined {
  if (format !== undefined || out === undefined) return format;
  const found = endings.find(([ending]) => ending.test(out));
  if (found !== undefined) return found[1];
  throw new UsageError(
    `the name "${out}" says no format`,
    `say it: --format ${inferFormats.join("|")}`,
  );
}

function wholeOf(option: string, text: string): number {
  if (/^\d{1,12}$/.test(text) && (Number(text) > 0 || option === "--seed")) return Number(text);
  throw new UsageError(`${option} is "${text}"`, "give it a whole number");
}

/** The first interrupt ends reading, and what was read is shown; the second one ends at once. */
function interrupts() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return {
    signal: controller.signal,
    stop: () => void process.off("SIGINT", stop).off("SIGTERM", stop),
  };
}

function progressLine(): (moment: InferMoment) => void {
  const { isTTY } = process.stderr;
  let shown = 0;
  return (moment) => {
    if (moment.elapsedMs - shown < (isTTY ? 200 : 3000)) return;
    shown = moment.elapsedMs;
    const line = showInferMoment(moment);
    process.stderr.write(isTTY ? `\r${line}\u001b[K` : `${line}\n`);
  };
}
