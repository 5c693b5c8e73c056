import { readJson } from "@freshet/protocol";
import { hashHex } from "../../core/hash.ts";
import type { LogRecord } from "../../core/record.ts";
import { type Random, randomOf } from "../random.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { firstDifference, isOfPlan, judge } from "./judge.ts";
import { attemptOf, OutsideLedger } from "./ledger.ts";
import { prepare } from "./meaning.ts";
import { operate } from "./operator.ts";
import type { Variant } from "./plan.ts";
import { originAndText, referenceOf, resultOf } from "./reference.ts";
import { Server } from "./server.ts";
import { Sink } from "./sink.ts";
import { judgeStore } from "./store-check.ts";
import { Traffic } from "./traffic.ts";
import { limitsOf, weatherOf } from "./weather.ts";
import type { SimulationOptions, SimulationReport, Weather } from "./world.ts";

/** Everything that one run is made of. */
interface World {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly weather: Weather;
  readonly ledger: OutsideLedger;
  readonly server: Server;
  readonly traffic: Traffic;
  readonly sink: Sink;
  readonly options: SimulationOptions;
  readonly archive: Map<number, LogRecord>;
  readonly heard: Set<string>;
  setFailureShare(share: number): void;
}

const start = 1_790_000_000_000;

/**
 * Clients, network, log, engine, sinks and readers in one process, with everything that can go wrong going wrong, and
 * a ledger outside of it that checks P1 to P7. All chance comes from the seed.
 */
export async function simulate(
  seed: number,
  options: SimulationOptions,
): Promise<SimulationReport> {
  const world = makeWorld(seed, options);
  const { ledger, clock } = world;
  const unhandled = (error: unknown) => ledger.fault(`P0 the engine threw: ${textOf(error)}`);
  process.on("unhandledRejection", unhandled);
  let digest = "";
  try {
    digest = await play(world);
  } catch (error) {
    ledger.fault(`P0 ${textOf(error)}`);
  } finally {
    process.off("unhandledRejection", unhandled);
    world.server.crash();
  }
  ledger.count("simulatedMs", clock.now() - start);
  return { seed, faults: ledger.faults, digest, counts: ledger.counts };
}

function makeWorld(seed: number, options: SimulationOptions): World {
  const random = randomOf(seed);
  const weather = weatherOf(random.fork());
  const clock = new VirtualClock(start);
  const ledger = new OutsideLedger();
  const diskRandom = random.fork();
  const disk = options.ports.makeDisk(clock, () => diskRandom.next());
  const setFailureShare = (failureShare: number) =>
    disk.setFaults({ failureShare, delayMsMin: 0, delayMsMax: weather.diskDelayMsMax });
  setFailureShare(0);
  const archive = new Map<number, LogRecord>();
  const heard = new Set<string>();
  const server = new Server({
    clock,
    random: random.fork(),
    disk,
    limits: limitsOf(weather),
    ledger,
    simulation: options,
    archive,
    heard,
  });
  const send = (records: readonly LogRecord[]) => server.send(records);
  return {
    clock,
    random: random.fork(),
    weather,
    ledger,
    server,
    traffic: new Traffic({ clock, random: random.fork(), weather, ledger, send }),
    sink: new Sink({
      clock,
      random: random.fork(),
      weather,
      ledger,
      server,
      sabotage: options.sabotage,
    }),
    options,
    archive,
    heard,
    setFailureShare,
  };
}

async function play(world: World): Promise<string> {
  const { clock, weather, server, traffic, sink } = world;
  await clock.run(server.boot());
  traffic.start();
  operate(world);
  sink.start();
  trouble(world);
  observe(world);
  readBack(world);
  await clock.advance(weather.trafficMs);
  server.isRough = false;
  world.setFailureShare(0);
  await comeToRest(world);
  await clock.advance(weather.idleMs);
  await comeToRest(world);
  return finalChecks(world);
}

/** Crashes, stops, disks that are full for a while, checkpoints out of turn, other plans. */
function trouble(world: World): void {
  const { clock, random, weather, server } = world;
  const later = (meanMs: number, act: () => void) => {
    const again = () =>
      clock.after(1 + random.below(2 * meanMs), () => {
        if (!server.isRough) return;
        act();
        again();
      });
    again();
  };
  const reboot = () => clock.after(random.below(random.pick([2, 1500])), () => void server.boot());
  const nextVariant = () => random.below(3) as Variant;
  later(weather.crashEveryMs, () => {
    server.crash();
    if (weather.planChanges && random.chance(0.4)) server.variant = nextVariant();
    reboot();
  });
  later(weather.crashEveryMs * 2, () => {
    void server.stop().then(reboot);
  });
  later(random.pick([30, 400, 5000]), () => {
    void server.engine?.checkpoint().catch(() => {});
  });
  if (weather.planChanges) later(12_000, () => void server.switchPlan(nextVariant()));
  if (weather.failureShare > 0)
    later(1500, () => world.setFailureShare(random.chance(0.5) ? weather.failureShare : 0));
}

/** P6 at many moments. */
function observe(world: World): void {
  const { clock, random, server, ledger } = world;
  const look = () => {
    const { engine } = server;
    if (engine !== null) ledger.checkConserved(engine.ledger());
    clock.after(1 + random.below(120), look);
  };
  look();
}

/** P5: who reads with the receipt of what was just acknowledged sees it, or hears that it is not there yet. */
function readBack(world: World): void {
  const { clock, random, server, ledger } = world;
  const read = () => {
    clock.after(20 + random.below(300), read);
    const { engine } = server;
    const written = ledger.acknowledged.at(-1 - random.below(3));
    if (engine === null || written?.record.kind !== "event") return;
    const { record, offset } = written;
    const receipt = engine.latestReceipt();
    if (engine.offsetOf(receipt) === null)
      ledger.fault(`P5 receipt ${receipt} is not one of this log`);
    void engine.waitFor(offset, random.below(800)).then((isVisible) => {
      if (server.engine !== engine) return;
      ledger.count(isVisible ? "readFresh" : "readStale");
      if (!isVisible) return;
      const journey = engine.journey(record.event.id);
      if (journey === null || journey.status === "inFlight")
        ledger.fault(
          `P5 ${record.event.id} at ${offset} is visible, but its journey is ${journey?.status}`,
        );
      if (journey?.status !== "applied" || prepare(record.event).kind !== "kept") return;
      // The second correction of a letter may be for another person, whose it is not.
      if (record.event.corrects !== undefined && journey.offset !== offset) return;
      const parts = holdersOf(record.key, world).flatMap(
        (id) => engine.profile(id)?.state.parts ?? [],
      );
      const isSeen = parts.some(({ part }) => part.recent.includes(journey.offset));
      // A part remembers its last 32 events only.
      if (!isSeen && !parts.some(({ part }) => part.events > 32))
        ledger.fault(
          `P5 ${record.event.id} at ${journey.offset} is visible, but not in ${record.key}`,
        );
    });
  };
  read();
}

/** A device may have another owner by now: what came before stays with the one before. */
function holdersOf(key: string, { weather }: World): string[] {
  if (key.startsWith("user:")) return [key];
  return [key, ...Array.from({ length: weather.people }, (_, index) => `user:u${index}`)];
}

/** Until everything that was sent is answered, reduced, arrived and delivered. */
async function comeToRest(world: World): Promise<void> {
  const { clock, server, traffic, sink } = world;
  let lastNext = -1;
  for (let round = 0; round < 400; round++) {
    if (server.engine === null) void server.boot();
    await clock.advance(300);
    const { engine, log } = server;
    if (engine === null || log === null) continue;
    const isQuiet = traffic.open <= 0 && engine.ledger().inFlight === 0 && log.next === lastNext;
    lastNext = log.next;
    const isVisible = await clock.run(engine.waitFor(log.next - 1, 1000));
    if (isQuiet && isVisible && engine.status().reducedOffset === log.next && sink.isIdle()) return;
  }
  const status = JSON.stringify([
    server.engine?.status(),
    server.engine?.ledger(),
    traffic.open,
    sink.isIdle(),
  ]);
  world.ledger.fault(`P5 it never comes to rest: ${status}`);
}

async function finalChecks(world: World): Promise<string> {
  const { clock, server, ledger, options, weather, random, heard } = world;
  const { engine, store, log } = server;
  if (engine === null || store === null || log === null)
    throw new Error("there is no engine at the end");
  // A tick may come in while the checkpoint is written.
  while (engine.status().checkpointOffset < log.next) {
    await clock.run(engine.drain());
    await clock.run(engine.checkpoint());
  }
  // What only this checkpoint let out.
  for (const destination of engine.outbox.destinations())
    for (const { effect } of engine.outbox.window(destination)) ledger.deliver(effect, effect.id);
  const records = wholeLog(world);
  ledger.checkConserved(engine.ledger());
  ledger.checkDurable((offset) => records[offset], 0);
  for (const [offset, record] of records.entries()) {
    const attempt = attemptOf(record);
    if (attempt !== null && ledger.refused.has(attempt))
      ledger.fault(`P1 attempt ${attempt} was refused, and is in the log at ${offset}`);
  }
  judge({ engine, records, ledger, now: clock.now() });
  const keys = [...store.scan("state", {})].map(([key]) => key);
  judgeStore({ store, codec: options.ports.codec, ledger });
  const own = resultOf({ engine, store, records, keys, ports: options.ports });
  const reference = await referenceOf({
    ports: options.ports,
    random,
    records,
    manifest: engine.manifest,
    partitions: weather.partitions,
    keys,
    start,
  });
  const sent = new Map([...ledger.delivered, ...own.effects]);
  // A profile that nobody touched under a plan is not decided under it, and which ones are depends on what is held
  // live. So after two switches memberships may differ, and what follows from them; values may not.
  const isLoose = engine.manifest.length > 2;
  const [states, effects, texts] = isLoose
    ? [valuesOnly, ofEventsOnly, originsOnly]
    : [asIs, asIs, asIs];
  compare(ledger, "P7 states", states(own.states), states(reference.states));
  compare(ledger, "P2 P7 effects", effects(sent), effects(reference.effects));
  const selfRecords = records.flatMap((record) =>
    record.kind === "self" && isOfPlan(engine.manifest, record.from) ? [originAndText(record)] : [],
  );
  compare(
    ledger,
    "P7 records to other keys",
    texts(new Map(selfRecords)),
    texts(reference.selfRecords),
  );
  // A push or a change is heard in one life at most, and what a crash made unheard stays so.
  if (engine.manifest.length === 1)
    for (const text of heard)
      if (!reference.heard.has(text)) ledger.fault(`P7 pages heard ${text}, which no replay gives`);
  ledger.count("records", records.length);
  ledger.count("keys", keys.length);
  ledger.count("effects", sent.size);
  ledger.count("plans", engine.manifest.length);
  ledger.count("late", engine.counters.timersFired);
  return hashHex(JSON.stringify([[...own.states], [...sent].sort(), records.length]));
}

type Texts = ReadonlyMap<string, string>;

const asIs = (texts: Texts): Texts => texts;
const originsOnly = (texts: Texts): Texts => new Map([...texts.keys()].map((key) => [key, ""]));

/** Parts without what fired in them, owner and links of profiles; entities as they are. */
function valuesOnly(states: Texts): Texts {
  return new Map(
    [...states].map(([key, text]) => {
      if (key.startsWith("entity:") || text === "") return [key, text];
      const [, parts, owner, links] = readJson(text) as [
        number,
        [string, number, unknown[]][],
        unknown,
        unknown,
      ];
      const values = parts.map(([id, , part]) => [id, part.filter((_, at) => at !== firedAt)]);
      return [key, JSON.stringify([values, owner, links])];
    }),
  );
}

/** Place of `fired` in a packed part. */
const firedAt = 6;

/** Rules that look at events and features, not at segments. */
function ofEventsOnly(effects: Texts): Texts {
  return new Map([...effects].filter(([, text]) => /"rule":"(welcome|thanks)"/.test(text)));
}

function wholeLog({ server, archive }: World): LogRecord[] {
  const records: LogRecord[] = [];
  for (const [offset, record] of archive) records[offset] = record;
  const { log } = server;
  if (log === null) return records;
  for (const batch of log.read(log.first))
    batch.records.forEach((record, index) => {
      records[batch.firstOffset + index] = record;
    });
  return records;
}

function compare(
  ledger: OutsideLedger,
  what: string,
  own: ReadonlyMap<string, string>,
  reference: ReadonlyMap<string, string>,
): void {
  const [mine, theirs] = [[...own.keys()], [...reference.keys()]];
  if (mine.length !== theirs.length || mine.some((key) => !reference.has(key)))
    ledger.fault(
      `${what}: ${mine.length} here, ${theirs.length} in a run without crashes; ${firstDifference(theirs, mine)}`,
    );
  const different = mine.filter((key) => reference.has(key) && reference.get(key) !== own.get(key));
  const [key] = different;
  if (key !== undefined)
    ledger.fault(
      `${what}: ${different.length} differ, ${key} ${difference(own.get(key) ?? "", reference.get(key) ?? "")}`,
    );
}

function difference(own: string, reference: string): string {
  let at = 0;
  while (own[at] === reference[at] && at < own.length) at++;
  const from = Math.max(0, at - 60);
  const [here, there] = [own, reference].map((text) => text.slice(from, at + 120));
  return `is from character ${from}\n  ${here}\n  and in a run without crashes\n  ${there}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
