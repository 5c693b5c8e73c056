import { FreshetError } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import { queryText } from "./route.ts";

const rowsDefault = 50;

/** `?limit=` of a list; more than there may be is as many as there may be. */
export function rowsOf(request: FastifyRequest, rowsMax: number): number {
  return Math.min(rowsMax, wholeNumber(request, "limit") ?? rowsDefault);
}

export function wholeNumber(request: FastifyRequest, name: string): number | undefined {
  const text = queryText(request, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (value !== undefined) return value;
  throw new FreshetError(
    "requestShape",
    `"${name}" should be a whole number, but came as "${text.slice(0, 60)}"`,
  );
}
