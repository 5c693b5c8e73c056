import type { Json } from "@freshet/protocol";
import type { KeyedItem } from "./feature/compiled.ts";
import type { SelfBody } from "./record.ts";

/** What a reducer wants done, as data. The engine does it, at the moment that each kind allows. */
export type Effect =
  /** To a destination, through the outbox, after the checkpoint that holds it. */
  | SendEffect
  /** To the open pages of the profile, at once and provisional. */
  | PushEffect
  /** A membership changed: for streams, feeds and counts. */
  | SegmentEffect
  /** To another key, through the log (DESIGN 3, rule 9). */
  | { readonly kind: "self"; readonly to: string; readonly body: SelfBody }
  /** To an entity; the engine gathers these per partition and sends partial states with the next tick. */
  | ContributeEffect;

/** `id` is the same for the same cause, live and in replay (DESIGN 3, rule 8). */
export interface SendEffect {
  readonly kind: "send";
  readonly id: string;
  readonly destination: string;
  readonly rule: string;
  readonly profileId: string;
  readonly at: number;
  readonly cause: string;
  readonly fields: { readonly [name: string]: Json };
}

export interface PushEffect {
  readonly kind: "push";
  readonly id: string;
  readonly topic: string;
  readonly rule: string;
  readonly profileId: string;
  readonly at: number;
  readonly cause: string;
  readonly fields: { readonly [name: string]: Json };
}

export interface SegmentEffect {
  readonly kind: "segment";
  readonly profileId: string;
  readonly segment: string;
  readonly change: "entered" | "left";
  readonly at: number;
  readonly cause: string;
}

export interface ContributeEffect {
  readonly kind: "contribute";
  readonly entity: string;
  readonly key: string;
  readonly slot: number;
  readonly item: KeyedItem;
}
