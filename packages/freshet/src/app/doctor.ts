import { existsSync, statfsSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname } from "node:path";
import type { Settings } from "./config.ts";
import { createSources } from "./edge.ts";
import { isFolder } from "./folder.ts";
import { readGeo } from "./geo.ts";
import { isInUse } from "./in-use.ts";
import { sourceLines } from "./print-sources.ts";
import { registryFinding } from "./registry/doctor.ts";
import { type PlaceOptions, peekPlan, readSettings } from "./settings.ts";
import { mqttFindings } from "./source/doctor.ts";

export interface Finding {
  readonly level: "fine" | "note" | "wrong";
  readonly what: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Appends are refused below the log's own reserve; well before that somebody should know. */
const diskFreeBytesMin = 1024 ** 3;

/** Looks at everything that commonly goes wrong, and goes on after each finding. */
export async function diagnose(
  options: PlaceOptions & { readonly url: string },
): Promise<Finding[]> {
  const findings: Finding[] = [
    {
      level: "fine",
      what: `Node ${process.versions.node}, ${Math.round(totalmem() / 1024 ** 3)} GiB of memory`,
    },
  ];
  const settings = await attempt(findings, "configuration", () => readSettings(options));
  if (settings === null) return findings;
  findings.push(sourcesFinding(settings), ...(await mqttFindings(settings)));
  findings.push({ level: "fine", what: `events on the log are written as ${settings.logFormat}` });
  const checked = await attempt(findings, "sources", async () => checkEdge(settings));
  if (checked !== null) findings.push(...checked);
  const loaded = await attempt(findings, "plan", () => peekPlan(settings));
  if (loaded !== null) {
    const { features, segments, triggers, placements } = loaded.plan.definition;
    findings.push({
      level: "fine",
      what: `plan "${loaded.plan.definition.name}": ${features.length} features, ${segments.length} segments, ${triggers.length} triggers, ${placements.length} placements`,
    });
    findings.push(
      ...destinationFindings(
        settings,
        triggers.flatMap(({ actions }) => actions),
      ),
    );
  }
  findings.push(
    await folderFinding(settings.data),
    await registryFinding(settings),
    diskFinding(settings.data),
    await serverFinding(options.url),
  );
  return findings;
}

async function attempt<T>(
  findings: Finding[],
  what: string,
  run: () => Promise<T>,
): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    findings.push({
      level: "wrong",
      what: `${what}: ${message}`,
      ...(hint === undefined ? {} : { advice: hint }),
    });
    return null;
  }
}

/** Names, never keys: what doctor prints is pasted into reports. */
function sourcesFinding({ sources }: Settings): Finding {
  const others = sources.map(({ name, kind }) => `"${name}" (${kind})`);
  const own = '"default" (browser; its write key is printed at the start)';
  return { level: "fine", what: `sources ${[own, ...others].join(", ")}` };
}

/** Makes what a start would make of them, which finds missing keys and broken files. */
function checkEdge(settings: Settings): Finding[] {
  const geo = settings.geo === undefined ? undefined : readGeo(settings.geo.file);
  createSources(settings, "doctor's own", geo && (() => geo));
  const lines = sourceLines(settings).map((what) => ({
    level: "fine" as const,
    what: `source ${what}`,
  }));
  if (geo === undefined) return lines;
  const built = new Date(geo.version * 1000).toISOString().slice(0, 10);
  return [...lines, { level: "fine", what: `database of places, built ${built}` }];
}

function destinationFindings(
  settings: Settings,
  actions: readonly { readonly kind: string; readonly destination?: string }[],
): Finding[] {
  const named = new Set(
    actions.flatMap(({ destination }) => (destination === undefined ? [] : [destination])),
  );
  return [...named]
    .filter((name) => settings.destinations[name] === undefined)
    .map((name) => ({
      level: "note",
      what: `the plan sends to "${name}", which the configuration does not define`,
      advice: `its effects wait until there is one: destinations: { ${name}: { url, secret } }`,
    }));
}

async function folderFinding(data: string): Promise<Finding> {
  if (!existsSync(data) || !isFolder(data))
    return {
      level: "note",
      what: `"${data}" is no data folder yet`,
      advice: "freshet start makes it",
    };
  return {
    level: "fine",
    what: `data folder "${data}" (${(await isInUse(data)) ? "in use by a server" : "not in use"})`,
  };
}

function diskFinding(data: string): Finding {
  let folder = data;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const what = `${(free / 1024 ** 3).toFixed(1)} GiB free where the data is`;
  return free >= diskFreeBytesMin
    ? { level: "fine", what }
    : {
        level: "wrong",
        what,
        advice: "make room: events are refused with 503 when the disk is nearly full",
      };
}

async function serverFinding(url: string): Promise<Finding> {
  try {
    const answer = await fetch(new URL("/readyz", url), { signal: AbortSignal.timeout(2000) });
    return answer.ok
      ? { level: "fine", what: `a server answers at ${url}` }
      : {
          level: "wrong",
          what: `the server at ${url} is not ready (${answer.status})`,
          advice: "look at its log",
        };
  } catch {
    return {
      level: "note",
      what: `no server answers at ${url}`,
      advice: "freshet start, or name one with --url",
    };
  }
}
