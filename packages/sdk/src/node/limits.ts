import { type QueueLimits, sharedLimits } from "../queue/index.ts";

/** Half of the server's largest body for a batch; in memory what a process can lose without noticing. */
export const nodeLimits: QueueLimits = {
  ...sharedLimits,
  batchBytesMax: 500 * 1024,
  eventsMax: 10_000,
  bytesMax: 16 * 1024 * 1024,
};
