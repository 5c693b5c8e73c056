import { type QueueLimits, sharedLimits } from "../queue/index.ts";

/**
 * A page keeps less than a fifth of what a site may store. With its envelope a batch is below the 64 KiB that
 * browsers let a page send while it is left, so that every request may outlive its page.
 */
export const browserLimits: QueueLimits = {
  ...sharedLimits,
  batchBytesMax: 56 * 1024,
  eventsMax: 1000,
  bytesMax: 1024 * 1024,
};
