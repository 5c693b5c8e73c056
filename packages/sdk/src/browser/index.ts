/** Freshet in a page: `createFreshet({ url, writeKey })`. */
import type { AnyPlan, PlanShape } from "../shell/plan.ts";
import { type Freshet, openClient } from "./client.ts";
import type { FreshetOptions } from "./options.ts";

export type { DropReason, QueueLimits } from "../queue/index.ts";
export type { Drop, OnDrop, Status } from "../shell/journal.ts";
export type * from "../shell/plan.ts";
export type { Freshet } from "./client.ts";
export type { Preferences } from "./consent.ts";
export type { CookieOptions } from "./cookie.ts";
export { browserLimits } from "./limits.ts";
export type { CallOptions, FreshetOptions, Who } from "./options.ts";
export { showPlacements } from "./placements.ts";

/** A client for one page. `P` is what `freshet types` wrote; without it every event name is taken. */
export function createFreshet<P extends PlanShape = AnyPlan>(options: FreshetOptions): Freshet<P> {
  return openClient(options).freshet as unknown as Freshet<P>;
}
