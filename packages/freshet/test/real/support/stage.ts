import { expect } from "vitest";
import {
  ask,
  eventually,
  type Ledger,
  missingIn,
  readJourney,
  readProfile,
  secret,
  settled,
} from "../../process/support/client.ts";
import { makeFolder } from "../../process/support/folder.ts";
import { type Running, startServer, writeKey } from "../../process/support/server.ts";
import { type BadNetwork, openBadNetwork } from "./bad-network.ts";
import type { Certificate } from "./certificate.ts";
import type { Account, Call, ClientKind } from "./client.ts";

/** A real server in a folder of its own, behind a network that tests can spoil. */
export interface Stage {
  readonly network: BadNetwork;
  /** The server's own address: what is read there passes no bad network. */
  url(): string;
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(certificate?: Certificate): Promise<Stage> {
  const folder = await makeFolder();
  const network = await openBadNetwork(certificate);
  let server: Running | null = null;
  const stage: Stage = {
    network,
    url: () => server?.url ?? "",
    async start() {
      server = await startServer({ data: folder.path });
      network.target(server.port);
    },
    async kill() {
      network.target(null);
      await server?.kill();
      server = null;
    },
    async close() {
      await stage.kill();
      await network.close();
      await folder.remove();
    },
  };
  await stage.start();
  return stage;
}

export const openClient = (kind: ClientKind, { network }: Stage, timeoutMs = 10_000) =>
  kind.open({ url: network.url, writeKey, timeoutMs });

/** A minute ago, whole: what the client says must be what is kept. */
export const timeOfCalls = () => new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000);

/** Every call type once, all of one person. */
export function sixCalls(userId: string, time: Date): readonly Call[] {
  const properties = { product_id: "cer-01" };
  const at = { timestamp: time.toISOString() };
  return [
    { type: "identify", userId, anonymousId: `${userId}-anon`, traits: { name: "Ana" }, ...at },
    { type: "track", userId, event: "Product Viewed", properties, ...at },
    { type: "page", userId, name: "Home", properties: { path: "/" }, ...at },
    { type: "screen", userId, name: "Start", ...at },
    { type: "group", userId, groupId: "g1", traits: { employees: 3 }, ...at },
    { type: "alias", userId, previousId: `${userId}-before` },
  ];
}

export function views(userId: string, count: number): readonly Call[] {
  const properties = { product_id: "cer-01" };
  return Array.from({ length: count }, () => ({
    type: "track",
    event: "Product Viewed",
    userId,
    properties,
  }));
}

/** Nothing is lost, and as much was applied as said; `duplicate` of the ledger is for the caller to judge. */
export async function expectApplied(stage: Stage, count: number): Promise<Ledger> {
  await eventually(`${count} events`, async () => (await settled(stage.url())).applied >= count);
  const ledger = await settled(stage.url());
  expect(missingIn(ledger)).toBe(0);
  expect([ledger.applied, ledger.rejected]).toEqual([count, 0]);
  return ledger;
}

export async function viewsOf(stage: Stage, userId: string): Promise<number> {
  const { body } = await readProfile(stage.url(), userId);
  return body.features.productViews;
}

/** Each id that the client holds for delivered is applied. */
export async function expectJourneys(stage: Stage, { delivered }: Account): Promise<void> {
  expect(new Set(delivered).size).toBe(delivered.length);
  for (const id of delivered)
    expect([id, (await readJourney(stage.url(), id)).body.status]).toEqual([id, "applied"]);
}

export interface SixOptions {
  readonly profileId: string;
  readonly library: string;
  /** Where calls carry their time. */
  readonly time?: Date;
}

/** All six types are in the profile once each, with their times, their context and their values. */
export async function expectSix(stage: Stage, options: SixOptions): Promise<void> {
  const { profileId, library, time } = options;
  const path = `${stage.url()}/v1/profiles/${encodeURIComponent(profileId)}`;
  const { body } = await ask(`${path}/events`, { headers: secret });
  const events = body.events as readonly {
    readonly type: string;
    readonly name: string;
    readonly time: number;
    readonly properties: Record<string, unknown>;
    readonly context?: { readonly library?: { readonly name?: string } };
  }[];
  const types = ["alias", "group", "identify", "page", "screen", "track"];
  expect(events.map(({ type }) => type).sort()).toEqual(types);
  for (const event of events) {
    expect([event.type, event.context?.library?.name]).toEqual([event.type, library]);
    if (time !== undefined && event.type !== "alias")
      expect([event.type, event.time]).toEqual([event.type, time.getTime()]);
  }
  const of = (type: string) => events.find((event) => event.type === type);
  expect(of("track")).toMatchObject({
    name: "Product Viewed",
    properties: { product_id: "cer-01" },
  });
  expect(of("page")?.properties).toMatchObject({ name: "Home" });
  expect(of("group")?.properties).toMatchObject({ groupId: "g1", employees: 3 });
  const profile = (await ask(path, { headers: secret })).body;
  expect(profile.traits.name).toBe("Ana");
  expect(profile.features).toMatchObject({ productViews: 1, pageViews: 1 });
}
