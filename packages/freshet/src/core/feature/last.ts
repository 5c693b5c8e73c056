import { rankedByTime } from "./ranked.ts";

/** The newest value by event order, or for n > 1 a list of the n newest distinct ones, newest first. */
export const last = rankedByTime("last", -1);
