import type { PushEffect, SegmentEffect } from "../../core/effect.ts";
import type { ProfileState } from "../../core/profile.ts";

/**
 * Hears what happens while live records are reduced: for streams to pages, metrics and logs. Never called for
 * records that are reduced again in recovery or replay. Calls are synchronous: an implementation only hands on.
 */
export interface EngineListener {
  /** True where somebody wants to hear of this profile: saves the engine the work otherwise. */
  wants(profileId: string): boolean;
  profileChanged(profileId: string, state: ProfileState, at: number): void;
  pushed(effect: PushEffect): void;
  segmentChanged(effect: SegmentEffect): void;
  /** Something an operator must know: the name of a documented alert, and what happened. */
  alert(name: AlertName, message: string): void;
}

export type AlertName =
  | "deduplicationWindowShrunk"
  | "checkpointFailed"
  | "logAppendFailed"
  | "deadLettersDropped"
  | "registryDamaged";

export const silentListener: EngineListener = {
  wants: () => false,
  profileChanged: () => {},
  pushed: () => {},
  segmentChanged: () => {},
  alert: () => {},
};
