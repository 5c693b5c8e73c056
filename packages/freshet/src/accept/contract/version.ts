import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../field.ts";

/**
 * The version that an event says it is of, whatever wire it came by; undefined where it says none, or none that is a
 * whole number above 0.
 *
 * | wire | where |
 * | --- | --- |
 * | Segment | `context.protocols.event_version` |
 * | native | `schema_version` |
 * | CloudEvents | the extension `dataversion`; `dataschema` that ends in `/versions/<n>` or `;version=<n>` |
 */
export function saidVersion(
  event: JsonObject,
  context: JsonObject | undefined,
): number | undefined {
  const protocols = context?.["protocols"];
  if (isObject(protocols)) {
    const said = wholeOf(protocols["event_version"]);
    if (said !== undefined) return said;
  }
  return (
    wholeOf(event["schema_version"]) ??
    wholeOf(event["dataversion"]) ??
    versionOfUri(event["dataschema"])
  );
}

function wholeOf(value: Json | undefined): number | undefined {
  const isText = typeof value === "string" && /^\d{1,10}$/.test(value);
  if (!isText && typeof value !== "number") return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 && number <= versionMax ? number : undefined;
}

/** As versions of a plan. */
const versionMax = 2_147_483_647;

function versionOfUri(value: Json | undefined): number | undefined {
  if (typeof value !== "string") return undefined;
  // The end alone is looked at: a URI may be long.
  return wholeOf(/(?:\/versions\/|;version=)(\d{1,10})$/.exec(value.slice(-40))?.[1]);
}
