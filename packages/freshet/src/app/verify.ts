import { existsSync } from "node:fs";
import { join } from "node:path";
import { hashHex } from "../core/hash.ts";
import type { Meta } from "../engine/meta.ts";
import { engineLimits } from "../engine/options.ts";
import type { Finding } from "./doctor.ts";
import { isFolder } from "./folder.ts";
import { isInUse } from "./in-use.ts";
import { loadKeptPlan } from "./load.ts";
import { schemaFindings } from "./log/verify.ts";
import { verifyRegistry } from "./registry/verify.ts";
import { replayFolder } from "./replay.ts";
import { openForReading, type ReadFolder } from "./replay-open.ts";
import { UsageError } from "./usage-error.ts";
import { checkSent } from "./verify-letters.ts";
import { LogAudit } from "./verify-log.ts";

import { checkQueues, checkStates, dedupOffsets } from "./verify-state.ts";

export interface VerifyOptions {
  readonly data: string;
  /** Reduces the log again as well, and compares every profile. */
  readonly replay?: boolean;
  readonly onProgress?: (text: string) => void;
}

/**
 * Checks a data folder from end to end, writes nothing, and goes on after each finding. While a server has the folder
 * the same checks hold: log and state are looked at as of one checkpoint.
 */
export async function verifyFolder(options: VerifyOptions): Promise<Finding[]> {
  const { data } = options;
  if (!isFolder(data)) throw new UsageError(`"${data}" is no data folder`, "name one with --data");
  const findings: Finding[] = [await useFinding(data)];
  const folder = open(data, findings);
  if (folder === null) return findings;
  try {
    findings.push(...(await check(folder, options)));
  } finally {
    await folder.close();
  }
  findings.push(...(await verifyRegistry(data)));
  const isSound = !findings.some(({ level }) => level === "wrong");
  if (options.replay === true) findings.push(isSound ? await replayFinding(options) : skipped);
  return findings;
}

const skipped: Finding = {
  level: "note",
  what: "replay: left out, because something else is wrong",
};

async function useFinding(data: string): Promise<Finding> {
  if (await isInUse(data))
    return {
      level: "note",
      what: "folder: in use by a running process; what is read is its last checkpoint, and counts move",
    };
  return { level: "fine", what: "folder: not in use" };
}

function open(data: string, findings: Finding[]): ReadFolder | null {
  try {
    return openForReading(data);
  } catch (error) {
    findings.push(findingOf("log", error));
    return null;
  }
}

function findingOf(area: string, error: unknown): Finding {
  const { message, hint } = error as Error & { readonly hint?: string };
  return {
    level: "wrong",
    what: `${area}: ${message}`,
    advice: hint ?? "restore the folder from a backup",
  };
}

async function check(folder: ReadFolder, { data, onProgress }: VerifyOptions): Promise<Finding[]> {
  let meta: Meta;
  try {
    meta = folder.meta();
    if (meta.manifest.length === 0)
      return [
        {
          level: "note",
          what: "checkpoint: none yet",
          advice: "start a server on the folder, or import into it",
        },
      ];
  } catch (error) {
    return [findingOf("checkpoint", error)];
  }
  const audit = new LogAudit(folder.log, meta.partitions.length);
  const end = Math.min(meta.position, folder.log.next);
  while (audit.damage === null && audit.next < end) {
    audit.advance(Math.min(end, audit.next + recordsAtOnce));
    onProgress?.(`log: ${audit.records} of ${end - folder.log.first} records`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // From here on in one turn: a running server cannot move the state under these checks.
  meta = folder.meta();
  audit.advance(meta.position);
  const ofCheckpoint = [
    ...checkPosition(folder, meta, audit),
    ...(audit.damage === null
      ? [...checkLedger(folder, meta, audit), ...checkDedup(folder, meta, audit)]
      : []),
    ...checkStates(folder.store, meta),
    ...checkQueues(folder.store, meta),
    ...checkSent(folder, meta),
  ];
  audit.advance(folder.log.next);
  const ofLog = [...checkLog(folder, audit), ...schemaFindings(folder.log)];
  return [...ofLog, ...ofCheckpoint, ...(await checkPlans(data, meta))];
}

const recordsAtOnce = 20_000;

function checkLog({ log }: ReadFolder, audit: LogAudit): Finding[] {
  const found = audit.findings();
  if (
    audit.damage === null &&
    log.first === 0 &&
    audit.next === log.next &&
    audit.events + audit.letters !== log.counted
  )
    found.push({
      level: "wrong",
      what: `log: it says that it has taken ${log.counted} events, but holds ${audit.events + audit.letters}`,
      advice: "restore the folder from a backup",
    });
  if (found.length > 0) return found;
  const span = `offsets ${log.first} to ${audit.next}`;
  return [
    {
      level: "fine",
      what: `log: ${audit.records} records (${span}), ${audit.events} events and ${audit.letters} dead letters, every checksum right`,
    },
  ];
}

function checkPosition({ log }: ReadFolder, meta: Meta, audit: LogAudit): Finding[] {
  if (meta.position > log.next)
    return [
      {
        level: "wrong",
        what: `checkpoint: at offset ${meta.position}, but the log ends at ${log.next}`,
        advice: "log and state are of different moments: restore both from one backup",
      },
    ];
  const behind = log.next - meta.position;
  if (behind > 0 && audit.damage === null)
    return [
      {
        level: "fine",
        what: `checkpoint: at offset ${meta.position}; the next start reduces the ${behind} records behind it`,
      },
    ];
  return [{ level: "fine", what: `checkpoint: at offset ${meta.position}` }];
}

/** received = applied + duplicate + rejected, each counted again from the log where it is whole. */
function checkLedger({ log }: ReadFolder, meta: Meta, audit: LogAudit): Finding[] {
  const { applied, duplicate, rejected, failed } = meta.counters;
  const sum = applied + duplicate + rejected;
  const wrong = (what: string): Finding => ({
    level: "wrong",
    what: `ledger: ${what}`,
    advice: "this is a bug: keep the folder and report it",
  });
  if (log.first > 0)
    return [
      {
        level: "note",
        what: `ledger: applied ${applied} + duplicate ${duplicate} + rejected ${rejected}; the log begins at offset ${log.first}, so they cannot be counted again`,
      },
    ];
  const received = audit.events + audit.letters;
  if (sum !== received)
    return [
      wrong(
        `applied ${applied} + duplicate ${duplicate} + rejected ${rejected} = ${sum}, but the log has taken ${received} up to the checkpoint`,
      ),
    ];
  const counted = `received ${received} = applied ${applied} + duplicate ${duplicate} + rejected ${rejected}`;
  const found: Finding[] = [];
  if (rejected !== audit.letters + failed)
    found.push(
      wrong(
        `rejected ${rejected}, but the log has ${audit.letters} dead letters and ${failed} events failed`,
      ),
    );
  const isExact =
    audit.isDistinctExact &&
    failed === 0 &&
    audit.atMax - audit.atMin <= engineLimits.deduplicationMs;
  if (isExact && applied !== audit.distinct)
    found.push(
      wrong(
        `applied ${applied}, but the log has ${audit.distinct} different events (by source, key and id)`,
      ),
    );
  if (isExact && meta.counters.corrected !== audit.corrected)
    found.push(
      wrong(
        `corrected ${meta.counters.corrected}, but the log has ${audit.corrected} letters corrected`,
      ),
    );
  if (found.length > 0) return found;
  return [
    {
      level: "fine",
      what: `ledger: ${counted}${isExact ? ", and so counts the log by source, key and id" : ""}`,
    },
  ];
}

/** The window holds the first of each id since its beginning, once. */
function checkDedup({ log, store }: ReadFolder, meta: Meta, audit: LogAudit): Finding[] {
  const advice = "this is a bug: keep the folder and report it";
  const offsets = dedupOffsets(store);
  if (offsets === null)
    return [
      {
        level: "wrong",
        what: "deduplication: a run on disk is damaged",
        advice: "restore the folder from a backup",
      },
    ];
  const from = Math.max(meta.dedupStart, log.first);
  const counts = { missing: 0, twice: 0, strange: 0, example: -1 };
  for (let offset = from; offset < meta.position; offset++)
    if (audit.isFirst(offset) && !offsets.has(offset)) {
      counts.missing++;
      counts.example = offset;
    }
  let inside = 0;
  for (const [offset, times] of offsets) {
    if (offset < from) continue;
    inside++;
    // A corrected event has its letter's id besides its own.
    const idsMax = audit.correctionAt(offset) === undefined ? 1 : 2;
    if (times <= idsMax && audit.isEvent(offset) && offset < meta.position) continue;
    counts[times > idsMax ? "twice" : "strange"]++;
    counts.example = offset;
  }
  const { failed } = meta.counters;
  const found: Finding[] = [];
  if (counts.missing > failed && audit.isDistinctExact)
    found.push({
      level: "wrong",
      what: `deduplication: ${counts.missing} events of the window are not in it (offset ${counts.example})`,
      advice,
    });
  if (counts.twice > 0)
    found.push({
      level: "wrong",
      what: `deduplication: ${counts.twice} entries are there twice (offset ${counts.example})`,
      advice,
    });
  if (counts.strange > 0)
    found.push({
      level: "wrong",
      what: `deduplication: ${counts.strange} entries belong to no event of the log (offset ${counts.example})`,
      advice,
    });
  if (meta.dedupShrunk > 0)
    found.push({
      level: "note",
      what: `deduplication: the window was cut ${meta.dedupShrunk} times for room`,
      advice: "ids older than it can count again",
    });
  return found.length > 0
    ? found
    : [{ level: "fine", what: `deduplication: ${inside} ids from offset ${from} on, each once` }];
}

/** The manifest is in order, and every plan that it names is kept. */
async function checkPlans(data: string, meta: Meta): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [index, entry] of meta.manifest.entries()) {
    const before = meta.manifest[index - 1];
    const name = `plan ${entry.hash.slice(0, 12)} (epoch ${entry.epoch})`;
    if (
      before !== undefined &&
      (entry.epoch <= before.epoch || entry.fromOffset < before.fromOffset)
    )
      found.push({
        level: "wrong",
        what: `manifest: ${name} is out of order`,
        advice: "restore the folder from a backup",
      });
    if (entry.fromOffset > meta.position)
      found.push({
        level: "wrong",
        what: `manifest: ${name} holds from offset ${entry.fromOffset}, behind the checkpoint`,
        advice: "restore the folder from a backup",
      });
    if (hashHex(JSON.stringify(entry.definition)) !== entry.hash)
      found.push({
        level: "wrong",
        what: `manifest: ${name} is not the plan that its hash says`,
        advice: "restore the folder from a backup",
      });
    found.push(...(await bundleFindings(data, entry, name)));
  }
  return found.length > 0
    ? found
    : [{ level: "fine", what: `manifest: ${meta.manifest.length} plans, each with its code` }];
}

async function bundleFindings(
  data: string,
  entry: Meta["manifest"][number],
  name: string,
): Promise<Finding[]> {
  const path = join(data, "plans", `${entry.hash}.mjs`);
  // A plan made in code has no file; without functions its definition is all there is to it.
  const isNeeded = Object.keys(entry.definition.functions).length > 0;
  if (!existsSync(path)) {
    const what = `manifest: the code of ${name} is not kept`;
    if (isNeeded)
      return [
        {
          level: "wrong",
          what,
          advice: `put it back as "${path}", or a replay counts its events as rejected`,
        },
      ];
    return [{ level: "note", what: `${what}; it has no functions, so nothing is lost` }];
  }
  try {
    const plan = await loadKeptPlan(data, entry);
    if (plan?.plan.hash === entry.hash) return [];
    return [
      {
        level: "wrong",
        what: `manifest: "${path}" holds another plan`,
        advice: "restore it from a backup",
      },
    ];
  } catch (error) {
    return [findingOf("manifest", error)];
  }
}

async function replayFinding({ data, onProgress }: VerifyOptions): Promise<Finding> {
  const { comparison } = await replayFolder({
    data,
    onProgress: ({ records, recordsTotal }) =>
      onProgress?.(`replay: ${records} of ${recordsTotal} records`),
  });
  if (typeof comparison === "string")
    return { level: "note", what: `replay: not compared: ${comparison}` };
  if (comparison.different === 0)
    return {
      level: "fine",
      what: `replay: gives the live state in all ${comparison.keys} keys, at offset ${comparison.position}`,
    };
  return {
    level: "wrong",
    what: `replay: ${comparison.different} differences in ${comparison.keys} keys: ${comparison.examples.slice(0, 3).join("; ")}`,
    advice: "see all of them: freshet replay --check; this is a bug: keep the folder and report it",
  };
}
