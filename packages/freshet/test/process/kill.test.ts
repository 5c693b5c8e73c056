/**
 * The real process, killed under load again and again: nothing acknowledged is lost, nothing is applied twice
 * (P1, P2, P6). `FRESHET_KILLS` says how often; the seed decides what clients send and where kills fall, though not
 * to the microsecond.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { replayCommand, withSeed } from "../../src/testing/seed.ts";
import { Book, countsOf, type Entry, ownersOf } from "./support/book.ts";
import {
  eventually,
  type Ledger,
  ledgerOf,
  missingIn,
  readJourney,
  readMetrics,
  readProfile,
  settled,
} from "./support/client.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Delivery, type Receiver, startReceiver } from "./support/receiver.ts";
import {
  type Launched,
  launch,
  launchServer,
  type Running,
  startServer,
  whenRunning,
} from "./support/server.ts";
import { shop } from "./support/shopper.ts";

const logFormats = ["json", "avro", "protobuf"];

const kills = Number(process.env.FRESHET_KILLS ?? 5);
const shoppers = 5;

let folder: TestFolder;
let launched: Launched | undefined;
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(async () => {
  await launched?.kill();
  await folder.remove();
});

it(
  `keeps what it acknowledged and applies it once when it is killed ${kills} times under load`,
  () =>
    withSeed(import.meta.url, async (seed) => {
      console.log(`FRESHET_KILLS=${kills} ${replayCommand(seed, import.meta.url)}`);
      const random = randomOf(seed);
      const receiver = await startReceiver({ random: random.fork(), failureShare: 0.03 });
      try {
        await run(random, receiver);
      } finally {
        await receiver.close();
      }
    }),
  60_000 + kills * 15_000,
);

async function run(random: Random, receiver: Receiver): Promise<void> {
  const book = new Book();
  let url: string | undefined;
  let isOver = false;
  const load = Promise.all(
    Array.from({ length: shoppers }, (_, index) =>
      shop({
        name: `shopper-${index}`,
        random: random.fork(),
        book,
        address: () => url,
        isOver: () => isOver,
      }),
    ),
  );
  // Awaited below; until then a failure of a client must not end the process of the tests.
  load.catch(() => {});
  // Each life writes events in another format than the one before: the folder has all of them in the end.
  const options = (life: number) => ({
    data: folder.path,
    environment: {
      ...receiver.environment,
      FRESHET_LOG_FORMAT: logFormats[life % logFormats.length] ?? "json",
      FRESHET_COLLECTOR: life % 2 === 0 ? "thread" : "inline",
    },
  });
  let ledger: Ledger | null = null;
  for (let kill = 0; kill < kills; kill++) {
    const moment = random.pick(moments);
    launched = launchServer(options(kill));
    if (moment === "starting") {
      await sleep(random.below(900));
      await launched.kill();
      continue;
    }
    const running = await whenRunning(launched);
    ledger = await checkLedger(running, book, ledger);
    url = running.url;
    await waitFor(moment, running, random);
    await running.kill();
    url = undefined;
  }
  const last = await start(options(kills));
  url = last.url;
  await sleep(200);
  isOver = true;
  await load;
  await settled(last.url);
  const found = await checkJourneys(last.url, book);
  await checkProfiles(last.url, found);
  await checkEffects(last.url, found, receiver);
  await checkTotals(last, book, found);
  expect(await last.stop()).toEqual({ code: 0, signal: null });
  await checkReplay();
  await checkProfiles((await start(options(kills + 1))).url, found);
  console.log(
    `${found.length} events kept of ${book.entries.size} sent, ${book.abandoned.length} batches given up, ` +
      `${receiver.deliveries.length} deliveries`,
  );
}

/** What the log says in all its formats gives the states that were live (P7). */
async function checkReplay(): Promise<void> {
  const verify = launch(["verify", "--data", folder.path, "--replay"]);
  expect(await verify.exited, verify.output()).toEqual({ code: 0, signal: null });
  expect(verify.output()).toMatch(/replay: gives the live state/);
}

async function start(options: Parameters<typeof startServer>[0]): Promise<Running> {
  const running = await startServer(options);
  launched = running;
  return running;
}

/** Where in its life a process is killed. */
const moments = ["starting", "justStarted", "working", "working", "checkpointing"] as const;

async function waitFor(
  moment: Exclude<(typeof moments)[number], "starting">,
  { url }: Running,
  random: Random,
): Promise<void> {
  switch (moment) {
    case "justStarted":
      return sleep(random.below(60));
    case "working":
      return sleep(300 + random.below(1200));
    case "checkpointing": {
      const count = async () => (await readMetrics(url)).get("freshet_checkpoints_total") ?? 0;
      const before = await count();
      await eventually("two checkpoints", async () => (await count()) >= before + 2);
      // They are 250 ms apart: the next one begins, runs or has just ended.
      return sleep(200 + random.below(100));
    }
  }
}

/** The ledger balances from the first moment on, has all that was acknowledged, and never goes back. */
async function checkLedger({ url }: Running, book: Book, before: Ledger | null): Promise<Ledger> {
  const acknowledged = book.acknowledgedEvents;
  const ledger = ledgerOf(await readMetrics(url));
  expect(missingIn(ledger), JSON.stringify(ledger)).toBe(0);
  expect(ledger.received).toBeGreaterThanOrEqual(acknowledged);
  expect(ledger.received).toBeGreaterThanOrEqual(before?.received ?? 0);
  return ledger;
}

/** Every acknowledged id has its journey. Returns what was kept, with or without an answer to the client. */
async function checkJourneys(url: string, book: Book): Promise<readonly Entry[]> {
  const found = new Map<string, Entry>();
  for (const entries of slices([...book.entries.values()], 50)) {
    const answers = await Promise.all(entries.map(({ messageId }) => readJourney(url, messageId)));
    for (const [index, entry] of entries.entries()) {
      const { status, body } = answers[index] ?? { status: 0, body: null };
      const wanted = entry.kind === "invalid" ? "rejected" : "applied";
      if (status === 404 && !book.acknowledged.has(entry.messageId)) continue;
      expect([entry.messageId, status, body?.status]).toEqual([entry.messageId, 200, wanted]);
      found.set(entry.messageId, entry);
    }
  }
  for (const ids of book.abandoned) {
    const kept = ids.filter((id) => found.has(id)).length;
    expect([0, ids.length], `a batch was kept in part: ${ids}`).toContain(kept);
  }
  return [...found.values()];
}

/** Lifetime counts are what an independent count over distinct ids gives, the devices of a person put together. */
async function checkProfiles(url: string, found: readonly Entry[]): Promise<void> {
  const wrong: unknown[] = [];
  for (const [profileId, wanted] of countsOf(found)) {
    const { status, body } = await readProfile(url, profileId);
    const { productViews, orders, spendCents } = body.features ?? {};
    const got = { status, profileId: body.profileId, productViews, orders, spendCents };
    const all = { status: 200, profileId, ...wanted };
    if (JSON.stringify(got) !== JSON.stringify(all)) wrong.push({ got, wanted: all });
  }
  expect(wrong).toEqual([]);
  for (const [anonymousId, userId] of ownersOf(found)) {
    const { body } = await readProfile(url, `anon:${anonymousId}`);
    expect([anonymousId, body.profileId]).toEqual([anonymousId, `user:${userId}`]);
  }
}

/** Every order is thanked for, under one id however often it was delivered; so is everything else that was sent. */
async function checkEffects(
  url: string,
  found: readonly Entry[],
  { deliveries, refused }: Receiver,
): Promise<void> {
  await eventually(
    "an empty outbox",
    async () => (await readMetrics(url)).get('freshet_outbox_waiting{destination="crm"}') === 0,
    60_000,
  );
  expect(refused).toEqual([]);
  const idsOf = new Map<string, Set<string>>();
  for (const delivery of deliveries) {
    const cause = causeOf(delivery);
    idsOf.set(cause, (idsOf.get(cause) ?? new Set()).add(delivery.id));
  }
  const unstable = [...idsOf].filter(([, ids]) => ids.size > 1);
  expect(unstable).toEqual([]);
  const thanked = deliveries.flatMap(({ rule, cause }) => (rule === "orderThanks" ? [cause] : []));
  const orders = found.filter(({ kind }) => kind === "order").map(({ messageId }) => messageId);
  expect([...new Set(thanked)].sort()).toEqual(orders.sort());
  expect(new Set(deliveries.map(({ id }) => id)).size).toBe(idsOf.size);
}

/** A thank-you has one cause whoever the profile is by then; the others fire for a profile. */
const causeOf = ({ rule, cause, profileId }: Delivery): string =>
  rule === "orderThanks" ? `${rule} ${cause}` : `${rule} ${cause} ${profileId}`;

async function checkTotals({ url }: Running, book: Book, found: readonly Entry[]): Promise<void> {
  const ledger = ledgerOf(await readMetrics(url));
  expect(missingIn(ledger), JSON.stringify(ledger)).toBe(0);
  expect(ledger.applied).toBe(found.filter(({ kind }) => kind !== "invalid").length);
  expect(ledger.received).toBeGreaterThanOrEqual(book.acknowledgedEvents);
}

function* slices<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += size) yield list.slice(from, from + size);
}
