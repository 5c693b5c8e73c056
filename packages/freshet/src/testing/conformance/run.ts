import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { conformanceCases } from "./case/index.ts";
import type { ConformanceCase, Connection, Probe, Scene, Stored, Target } from "./case.ts";
import { converse } from "./http.ts";
import { faultOfAnswer, faultOfEvent } from "./judge.ts";

export interface ConformanceOptions {
  /** Only cases whose id begins with one of these. */
  readonly only?: readonly string[];
  /** How long a server may take to store what it answered for. */
  readonly storedMsMax?: number;
  /** Called after each case's requests, for progress. */
  readonly onCase?: (id: string) => void;
}

export interface ConformanceResult {
  readonly id: string;
  readonly section: number;
  readonly title: string;
  readonly outcome: "passed" | "failed" | "notChecked";
  /** Why it failed or was not checked. */
  readonly reason?: string;
}

/**
 * Runs cases against a server: first all requests, one case after the other, then what was stored. A count is looked
 * at again at the very end, so that an event that shows twice a little later does not pass.
 */
export async function runConformance(
  target: Target,
  options: ConformanceOptions = {},
): Promise<readonly ConformanceResult[]> {
  const run = randomUUID().slice(0, 8);
  const sent: Sent[] = [];
  for (const one of chosenCases(options.only)) {
    sent.push(await send(one, target, sceneOf(one, target, run)));
    options.onCase?.(one.id);
  }
  const until = Date.now() + (options.storedMsMax ?? storedMsDefault);
  const results: ConformanceResult[] = [];
  for (const one of sent) results.push(await settle(one, target.probe, until));
  return recheck(results, sent, target.probe);
}

/** A queue, a consumer and a store behind it, each a little slow. */
const storedMsDefault = 15_000;

export function chosenCases(only: readonly string[] = []): readonly ConformanceCase[] {
  if (only.length === 0) return conformanceCases;
  return conformanceCases.filter(({ id }) => only.some((beginning) => id.startsWith(beginning)));
}

/** A case of which all was said; what is stored is to be seen. */
interface Sent {
  readonly one: ConformanceCase;
  readonly stored: readonly Stored[];
  readonly fault: string | null;
  readonly missing: string | null;
}

function sceneOf(one: ConformanceCase, target: Target, run: string): Scene {
  const base = `cf-${run}-${one.id}`;
  return {
    writeKey: target.writeKey,
    now: Date.now(),
    userId: `${base}-user`,
    anonymousId: `${base}-anon`,
    messageId: (name) => `${base}-${name}`,
    keyKind: target.keyKind,
  };
}

async function send(one: ConformanceCase, target: Target, scene: Scene): Promise<Sent> {
  if (one.needs !== undefined && target[one.needs] === undefined)
    return { one, stored: [], fault: null, missing: `the target has no ${one.needs}` };
  const { connections, stored = [] } = one.script(scene);
  let fault: string | null = null;
  for (const connection of connections) fault ??= await faultOfConnection(connection, target);
  return { one, stored, fault, missing: null };
}

async function faultOfConnection(connection: Connection, target: Target): Promise<string | null> {
  const { exchanges } = connection;
  try {
    if (connection.duringOutage) await target.outage?.begin();
    const answers = await converse(new URL(target.url), exchanges);
    for (const [index, { request, answer: rule }] of exchanges.entries()) {
      const answer = answers[index];
      if (rule === null || answer === null || answer === undefined) continue;
      const fault = faultOfAnswer(answer, rule);
      if (fault !== null) return `${request.method} ${request.path}: ${fault}`;
    }
    return null;
  } catch (error) {
    const { method = "", path = "" } = exchanges[0]?.request ?? {};
    return `${method} ${path}: ${messageOf(error)}`;
  } finally {
    if (connection.duringOutage) await target.outage?.end();
  }
}

async function settle(
  { one, stored, fault, missing }: Sent,
  probe: Probe | undefined,
  until: number,
): Promise<ConformanceResult> {
  const { id, section, title } = one;
  const base = { id, section, title };
  if (missing !== null) return { ...base, outcome: "notChecked", reason: missing };
  if (fault !== null) return { ...base, outcome: "failed", reason: fault };
  if (stored.length === 0) return { ...base, outcome: "passed" };
  if (probe === undefined)
    return {
      ...base,
      outcome: "notChecked",
      reason: "answered well; no probe tells what is stored",
    };
  if (probe.list === undefined && stored.some(({ kind }) => kind === "person"))
    return { ...base, outcome: "notChecked", reason: "the probe cannot list a person's events" };
  for (;;) {
    const unmet = await faultOfStored(stored, probe);
    if (unmet === null) return { ...base, outcome: "passed" };
    if (Date.now() >= until) return { ...base, outcome: "failed", reason: unmet };
    await sleep(pollMs);
  }
}

const pollMs = 50;

/** What passed must still hold now that every other case was waited for. */
async function recheck(
  results: readonly ConformanceResult[],
  sent: readonly Sent[],
  probe: Probe | undefined,
): Promise<readonly ConformanceResult[]> {
  if (probe === undefined) return results;
  await sleep(quietMs);
  const checked: ConformanceResult[] = [];
  for (const [index, result] of results.entries()) {
    const stored = result.outcome === "passed" ? (sent[index]?.stored ?? []) : [];
    const fault = await faultOfStored(stored, probe);
    checked.push(fault === null ? result : { ...result, outcome: "failed", reason: fault });
  }
  return checked;
}

const quietMs = 500;

async function faultOfStored(stored: readonly Stored[], probe: Probe): Promise<string | null> {
  try {
    for (const rule of stored) {
      const fault = await faultOfRule(rule, probe);
      if (fault !== null) return fault;
    }
    return null;
  } catch (error) {
    return `the probe failed: ${messageOf(error)}`;
  }
}

async function faultOfRule(rule: Stored, probe: Probe): Promise<string | null> {
  if (rule.kind === "person") {
    const count = (await probe.list?.(rule.who))?.length ?? 0;
    const who = Object.values(rule.who)[0];
    return count === rule.count ? null : `"${who}" has ${count} events, expected ${rule.count}`;
  }
  const { count, event } = await probe.find(rule.messageId);
  if (count !== rule.count)
    return `event "${rule.messageId.slice(0, 80)}" counts ${count} times, expected ${rule.count}`;
  return rule.event === undefined ? null : faultOfEvent(event, rule.event);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
