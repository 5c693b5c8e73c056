/** What one thread could do at most with the shop's plan: parse, accept, step. In memory, nothing else. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  accept,
  compileContracts,
  compileJoins,
  sourcesOf,
} from "../packages/freshet/src/accept/index.ts";
import { loadPlan } from "../packages/freshet/src/app/load.ts";
import { readTable } from "../packages/freshet/src/app/tables.ts";
import { compilePlan } from "../packages/freshet/src/core/plan/compile.ts";
import type { ProfileState } from "../packages/freshet/src/core/profile.ts";
import { step } from "../packages/freshet/src/core/step.ts";
import { writeKey } from "./server.ts";
import { batchEvents, makeBatches, root } from "./shape.ts";

export interface Ceiling {
  readonly parse: number;
  readonly parseAccept: number;
  readonly parseAcceptStep: number;
}

/** Events per second, each figure including the ones before it. */
export async function measureCeiling(rounds: number): Promise<Ceiling> {
  const planFile = join(root, "examples", "shop", "plan.ts");
  const { plan } = await loadPlan(planFile, mkdtempSync(join(tmpdir(), "freshet-bench-")));
  const compiled = compilePlan(plan);
  const tables = new Map(
    plan.definition.tables.map((definition) => [
      definition.name,
      {
        version: 1,
        rows: new Map(
          readTable(definition, dirname(planFile)).map((row) => [String(row[definition.key]), row]),
        ),
      },
    ]),
  );
  const context = {
    partitions: 8,
    sources: sourcesOf([{ name: "default", writeKey, kind: "browser" }]),
    contracts: compileContracts(plan.definition.events),
    joins: compileJoins(plan.definition.joins),
    tables,
    randomId: () => "none",
  };
  const bodies = makeBatches(1000, writeKey).map((batch, index) => batch.stamp(index));
  const states = new Map<string, ProfileState | null>();
  let offset = 0;
  const one = (body: Buffer, withStep: boolean) => {
    const { records } = accept(
      { shape: "segment-batch", headers: {}, query: {}, body },
      { ...context, now: Date.now() },
    );
    if (!withStep) return;
    for (const record of records) {
      if (record.kind !== "event") continue;
      const input = {
        kind: "event",
        event: record.event,
        offset: offset++,
        at: record.at,
      } as const;
      states.set(
        record.key,
        step(compiled, record.key, states.get(record.key) ?? null, input).state,
      );
    }
  };
  return {
    parse: rateOf(bodies, rounds, (body) => JSON.parse(body.toString())),
    parseAccept: rateOf(bodies, rounds, (body) => one(body, false)),
    parseAcceptStep: rateOf(bodies, rounds, (body) => one(body, true)),
  };
}

/** Best of the rounds: the ceiling is what is possible, not what is usual. */
function rateOf(bodies: readonly Buffer[], rounds: number, run: (body: Buffer) => void): number {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    for (const body of bodies) run(body);
    best = Math.max(best, (bodies.length * batchEvents) / ((performance.now() - began) / 1000));
  }
  return best;
}
