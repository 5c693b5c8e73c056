import { type AcceptedEvent, partOf } from "../../core/event.ts";
import { hash53 } from "../../core/hash.ts";
import type { LetterAction } from "../../core/letter.ts";
import type { EventRecord } from "../../core/record.ts";
import type { StoredDeadLetter } from "../../engine/dead-letter.ts";
import { partitionOf } from "../../engine/partition.ts";
import type { Random } from "../random.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { OutsideLedger } from "./ledger.ts";
import type { Server } from "./server.ts";
import type { Traffic } from "./traffic.ts";
import type { Weather } from "./world.ts";

export interface OperatorWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly weather: Weather;
  readonly ledger: OutsideLedger;
  readonly server: Server;
  readonly traffic: Traffic;
}

/**
 * Somebody who corrects dead letters by and by, presses twice, sometimes for another person the second time, and
 * discards some and thinks better of it.
 */
export function operate(world: OperatorWorld): void {
  const { clock, server, weather } = world;
  const random = world.random.fork();
  const until = clock.now() + weather.trafficMs;
  const act = () => {
    if (clock.now() > until) return;
    clock.after(50 + random.below(1500), act);
    const letters = server.engine?.deadLetters.list({ limit: 8 }) ?? [];
    for (const letter of letters) {
      if (random.chance(0.6)) continue;
      if (random.chance(0.25)) note(world, random, letter.offset);
      else correct(world, random, letter);
    }
  };
  clock.after(random.below(2000), act);
}

function correct(world: OperatorWorld, random: Random, letter: StoredDeadLetter): void {
  const { server, ledger } = world;
  // Letters of one message id are of one person, or its id would mean two events.
  const userId = `u${hash53(letter.id) % world.weather.people}`;
  const records = [recordOf(world, letter, userId)];
  if (random.chance(0.4)) records.push(recordOf(world, letter, userId));
  // In one append: what comes second is never the first.
  if (random.chance(0.3)) records.push(recordOf(world, letter, "somebody else"));
  const work = server.send(records);
  if (work === null) return;
  ledger.count("corrections", records.length);
  work.catch(() => ledger.refuse(records));
}

function recordOf(
  { clock, traffic, weather }: OperatorWorld,
  letter: StoredDeadLetter,
  userId: string,
): EventRecord {
  const at = clock.now();
  const event: AcceptedEvent = {
    ...{ id: letter.id, type: "track", name: "Ordered", source: letter.source, userId },
    time: letter.time ?? letter.at,
    version: 2,
    properties: { total: (hash53(letter.id) % 9000) / 100 },
    context: { attempt: traffic.nextAttempt() },
    notes: ["corrected"],
    corrects: { letter: letter.offset },
  };
  const key = partOf(event);
  return { kind: "event", partition: partitionOf(key, weather.partitions), at, key, event };
}

function note({ server, clock, ledger }: OperatorWorld, random: Random, letter: number): void {
  const letters = [letter];
  const action: LetterAction = random.chance(0.5)
    ? { kind: "discard", letters, by: "operator" }
    : { kind: "restore", letters, by: "operator" };
  ledger.count("lettersNoted");
  server.engine
    ?.append([{ kind: "letter", partition: 0, at: clock.now(), action }])
    .catch(() => ledger.count("notesRefused"));
}
