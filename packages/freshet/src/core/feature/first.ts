import { rankedByTime } from "./ranked.ts";

/** The earliest value by event order, or for n > 1 a list of the n earliest distinct ones, earliest first. */
export const first = rankedByTime("first", 1);
