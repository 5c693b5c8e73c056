import type { Command } from "commander";
import type { Settings } from "../app/config.ts";
import { type Freshet, startFreshet } from "../app/freshet.ts";
import { type PlaceOptions, readSettings } from "../app/settings.ts";
import { missingFlags } from "./node-flags.ts";
import { resetCommandOf } from "./reset-command.ts";

interface StartFlags extends PlaceOptions {
  readonly port?: string;
  readonly watch: boolean;
}

export function startVerb(program: Command): void {
  program
    .command("start")
    .description("run everything in this process")
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder")
    .option("--port <port>", "port to listen on; 0 takes a free one")
    .option("--no-watch", "do not reload the plan when it is saved")
    .action(async (flags: StartFlags) => {
      if (flags.port !== undefined) process.env["FRESHET_PORT"] = flags.port;
      const settings = await readSettings(flags);
      const freshet = await startFreshet({
        settings,
        place: flags,
        watch: flags.watch,
        onReload: (text) => process.stdout.write(`${text}\n`),
      });
      // Before the welcome: whoever waits for it may stop the process right behind it.
      stopOnSignals(freshet);
      process.stdout.write(welcome(freshet, settings, resetCommandOf(flags, process)));
    });
}

function welcome(freshet: Freshet, { data, site }: Settings, resetCommand: string): string {
  const { url, writeKey, secretKey } = freshet;
  const plan = freshet.engine.plan.plan.definition;
  return `
Freshet is running: plan "${plan.name}" with ${plan.features.length} features, ${plan.segments.length} segments.

${site !== undefined ? `  Site     ${url}/           open it and click around\n` : ""}  Metrics  ${url}/metrics
  Data     ${data}${freshet.keysMade ? " (new)" : ""}

  Write key   ${writeKey}    for pages and apps: may send events and ask for decisions
  Secret key  ${secretKey}    reads profiles: keep it on your servers

Send an event and read the profile it makes:

  curl -s ${url}/v1/events -u ${writeKey}: -H 'content-type: application/json' \\
    -d '{"event_type":"Product Viewed","user_id":"ana","metadata":{"product_id":"cer-01"}}'
  curl -s ${url}/v1/profiles/ana -H 'authorization: Bearer ${secretKey}'

Stop with Ctrl-C. Start over with: ${resetCommand}
${flagsNote()}`;
}

function flagsNote(): string {
  const nodeOptions = process.env["NODE_OPTIONS"]?.split(" ") ?? [];
  const missing = missingFlags([...process.execArgv, ...nodeOptions]);
  if (missing.length === 0) return "";
  return `
Under load it will pause for longer than it has to: give node these, as the command freshet and npm start do.
  ${missing.join(" ")}
`;
}

/** The first signal ends in order; a second one ends at once. */
function stopOnSignals(freshet: Freshet): void {
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1);
    stopping = true;
    process.stdout.write("\nstopping: answering what is open, writing the last checkpoint\n");
    freshet.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(
          `could not stop in order: ${String(error)}\n  hint: nothing acknowledged is lost; the next start recovers\n`,
        );
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
