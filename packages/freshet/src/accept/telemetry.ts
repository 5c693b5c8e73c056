import { readBody } from "./body.ts";
import { isObject } from "./field.ts";

/**
 * Number of series in a telemetry body of analytics-next (`/v1/m`). What is in them is about the client's own
 * code; only that it came is of use here. Another shape counts 0, since the client cannot do better.
 */
export function countTelemetry(body: Uint8Array, contentEncoding?: string): number {
  const { value } = readBody(body, contentEncoding);
  return isObject(value) && Array.isArray(value.series) ? value.series.length : 0;
}
