import type { JsonObject } from "@freshet/protocol";
import { strictMsgpackCodec, utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { partOf } from "../../src/core/event.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { ProfileView } from "../../src/core/view.ts";
import { Engine } from "../../src/engine/engine.ts";
import { type EngineLimits, engineLimits } from "../../src/engine/options.ts";
import { partitionOf } from "../../src/engine/partition.ts";
import { silentListener } from "../../src/engine/port/listener.ts";
import type { Log } from "../../src/engine/port/log.ts";
import type { StateStore } from "../../src/engine/port/state-store.ts";
import { VirtualClock, type VirtualProcess } from "../../src/testing/virtual-clock.ts";

export interface Who {
  readonly userId?: string;
  readonly anonymousId?: string;
}

export const ana: Who = { userId: "ana" };
export const bob: Who = { userId: "bob" };
export const phone: Who = { anonymousId: "phone" };

export const viewed = p.event("Viewed", { product: "string?" });
export const views = p.count("views", viewed);
export const recentViews = p.count("recentViews", viewed, { window: p.seconds(10) });
export const keen = p.segment("keen", p.gte(recentViews, 2));

export const planWith = (more: Partial<p.PlanSettings> = {}) =>
  p.definePlan({
    name: "test",
    events: [viewed],
    features: [views, recentViews],
    segments: [keen],
    triggers: [p.trigger("hello", { on: p.entered(keen), do: [p.send("hook", { views })] })],
    ...more,
  });

/** One engine after the other over one disk in memory, driven by hand. */
export class World {
  readonly clock = new VirtualClock();
  readonly disk = new MemoryDisk({ clock: this.clock, faults: { survivalShare: 0 } });
  readonly heard: string[] = [];
  readonly alerts: string[] = [];
  readonly limits: EngineLimits;
  readonly #plans = new Map<string, p.Plan>();
  #process: VirtualProcess | null = null;
  #log: Log | null = null;
  #store: StateStore | null = null;
  #engine: Engine | null = null;

  constructor(limits: Partial<EngineLimits> = {}) {
    this.limits = { ...engineLimits, partitions: 4, ...limits };
  }

  static async open(plan: p.Plan = planWith(), limits: Partial<EngineLimits> = {}): Promise<World> {
    const world = new World(limits);
    await world.open(plan);
    return world;
  }

  get engine(): Engine {
    if (this.#engine === null) throw new Error("no engine is open");
    return this.#engine;
  }
  get log(): Log {
    if (this.#log === null) throw new Error("no log is open");
    return this.#log;
  }
  get store(): StateStore {
    if (this.#store === null) throw new Error("no store is open");
    return this.#store;
  }

  async open(plan: p.Plan = planWith()): Promise<void> {
    this.#plans.set(plan.hash, plan);
    const process = this.clock.process();
    this.#process = process;
    this.#log = await this.clock.run(openMemoryLog(this.disk));
    this.#store = await this.clock.run(openMemoryState(this.disk));
    this.#engine = await this.clock.run(
      Engine.open({
        log: this.#log,
        store: this.#store,
        clock: process,
        codec: strictMsgpackCodec(),
        text: utf8,
        listener: {
          ...silentListener,
          segmentChanged: ({ profileId, change, segment, at, cause }) =>
            this.heard.push(`${profileId} ${change} ${segment} ${this.since(at)} ${cause}`),
          alert: (name) => this.alerts.push(name),
        },
        plan: compilePlan(plan),
        loadPlan: async ({ hash }) => {
          const known = this.#plans.get(hash);
          return known === undefined ? null : compilePlan(known);
        },
        limits: this.limits,
      }),
    );
  }

  /** Everything that was not synced is gone. */
  crash(): void {
    this.#process?.kill();
    this.#engine = null;
    this.disk.crash();
  }

  async close(): Promise<void> {
    await this.clock.run(this.engine.close());
    await this.clock.run(this.store.close());
    await this.clock.run(this.log.close());
    this.#process?.kill();
  }

  /** Writes fail from now on, or no longer. */
  fill(isFull: boolean): void {
    this.disk.faults = { ...this.disk.faults, failureShare: isFull ? 1 : 0 };
  }

  /** Milliseconds since the virtual clock's beginning. */
  since(time: number): number {
    return time - 1_790_000_000_000;
  }

  event(id: string, who: Who, properties: JsonObject = {}, lateMs = 0): LogRecord {
    const at = this.clock.now();
    const key = partOf(who);
    const event = {
      id,
      type: "track" as const,
      name: "Viewed",
      time: at - lateMs,
      source: "web",
      properties,
      ...who,
    };
    return { kind: "event", partition: partitionOf(key, this.limits.partitions), at, key, event };
  }

  /** Appends, and waits until it can be read; returns the receipt. */
  async send(...records: readonly LogRecord[]): Promise<string> {
    const receipt = await this.clock.run(this.engine.append(records));
    await this.clock.run(this.engine.waitFor(this.engine.offsetOf(receipt) ?? -1, 60_000));
    return receipt;
  }

  value(profileId: string, feature: string): unknown {
    const found = this.engine.profile(profileId);
    if (found === null) return null;
    const now = Math.max(this.clock.now(), this.engine.asOf(found.profileId));
    return new ProfileView(this.engine.plan, found.state, now).feature(feature);
  }

  segments(profileId: string): string[] {
    const members = this.engine.profile(profileId)?.state.members ?? [];
    return this.engine.plan.segments
      .filter(({ index }) => (members[index] ?? null) !== null)
      .map(({ definition }) => definition.name);
  }

  /** Ids of effects that wait in the outbox, in the order in which they were made. */
  effects(
    destination = "hook",
  ): { readonly rule: string; readonly id: string; readonly cause: string }[] {
    return this.engine.outbox.window(destination).map(({ effect }) => effect);
  }
}
