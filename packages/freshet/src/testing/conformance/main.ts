#!/usr/bin/env node
/** The suite as a program: prints a table, exits with 0 (nothing failed), 1 (something did) or 2 (wrong usage). */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { KeyKind, Outage, Probe, Target } from "./case.ts";
import { freshetProbe } from "./freshet.ts";
import { reportOf } from "./report.ts";
import { chosenCases, runConformance } from "./run.ts";

const usage = `Checks whether a server does what Segment's clients need.

  node main.js --url <url> --write-key <key> [options]

  --secret-key <key>   looks into Freshet with its secret key
  --probe <module>     looks into another server: a module that exports "probe", and "outage" where it has one
  --key-kind <kind>    what the write key is for: browser or server
  --only <ids>         cases whose ids begin with one of these, with commas between
  --list               prints the cases and sends nothing
  --json               prints the results as JSON
  --help

Exits with 0 when nothing failed, 1 when something did, 2 for wrong usage.
`;

class UsageError extends Error {}

async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    const isTheirs = error instanceof UsageError || codeOf(error).startsWith("ERR_PARSE_ARGS");
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    if (isTheirs) process.stderr.write(`\n${usage}`);
    return 2;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options, strict: true });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const only = values.only?.split(",").filter((id) => id !== "") ?? [];
  const cases = chosenCases(only);
  if (cases.length === 0) throw new UsageError(`no case's id begins with "${values.only}"`);
  if (values.list) {
    for (const { id, section, title } of cases)
      process.stdout.write(`${section}  ${id}  ${title}\n`);
    return 0;
  }
  const results = await runConformance(await targetOf(values), { only });
  const text = values.json ? JSON.stringify(results, null, 2) : reportOf(results);
  process.stdout.write(`${text}\n`);
  return results.some(({ outcome }) => outcome === "failed") ? 1 : 0;
}

const options = {
  url: { type: "string" },
  "write-key": { type: "string" },
  "secret-key": { type: "string" },
  probe: { type: "string" },
  "key-kind": { type: "string" },
  only: { type: "string" },
  list: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

interface Values {
  readonly url?: string;
  readonly "write-key"?: string;
  readonly "secret-key"?: string;
  readonly probe?: string;
  readonly "key-kind"?: string;
}

async function targetOf(values: Values): Promise<Target> {
  const { url, "write-key": writeKey, "secret-key": secretKey, probe } = values;
  if (url === undefined || !URL.canParse(url)) throw new UsageError("--url should be an address");
  if (!/^https?:$/.test(new URL(url).protocol))
    throw new UsageError("--url should begin with http:// or https://");
  if (writeKey === undefined) throw new UsageError("--write-key is missing");
  if (probe !== undefined && secretKey !== undefined)
    throw new UsageError("--probe and --secret-key are two ways of looking: give one");
  const own = secretKey === undefined ? {} : { probe: freshetProbe({ url, secretKey }) };
  const loaded = probe === undefined ? {} : await loadProbe(probe);
  return { url, writeKey, ...own, ...loaded, ...keyKindOf(values["key-kind"]) };
}

function keyKindOf(text: string | undefined): { readonly keyKind?: KeyKind } {
  if (text === undefined) return {};
  if (text === "browser" || text === "server") return { keyKind: text };
  throw new UsageError(`--key-kind is "${text}", expected browser or server`);
}

async function loadProbe(
  path: string,
): Promise<{ readonly probe: Probe; readonly outage?: Outage }> {
  const loaded = (await import(pathToFileURL(resolve(path)).href)) as {
    readonly probe?: Probe;
    readonly outage?: Outage;
  };
  const { probe, outage } = loaded;
  if (typeof probe?.find !== "function")
    throw new UsageError(`"${path}" should export "probe" with a function "find"`);
  return { probe, ...(outage === undefined ? {} : { outage }) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

process.exitCode = await main(process.argv.slice(2));
