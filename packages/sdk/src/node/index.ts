/** Freshet in a server: `new Freshet({ url, writeKey })`. */
export type { DropReason, QueueLimits } from "../queue/index.ts";
export type { Drop, OnDrop, Status } from "../shell/journal.ts";
export type * from "../shell/plan.ts";
export { Freshet } from "./freshet.ts";
export { nodeLimits } from "./limits.ts";
export type {
  Alias,
  Common,
  FlushOptions,
  FlushResult,
  FreshetOptions,
  Group,
  Identify,
  Page,
  Track,
  Undelivered,
  Who,
} from "./options.ts";
