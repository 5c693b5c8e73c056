import { FreshetError, type Json, type JsonObject, limits } from "@freshet/protocol";
import type { PlanDefinition } from "../core/plan/definition.ts";
import { nearest } from "../core/plan/error.ts";
import { isObject } from "./json.ts";
import { type Identifiers, readIdentifiers } from "./profile-id.ts";
import { receiptsOfBody } from "./receipt.ts";

export interface DecideRequest {
  readonly identifiers: Identifiers;
  readonly placements: readonly string[];
  readonly context: JsonObject | null;
  readonly events: readonly Json[];
  readonly sentAt: Json | undefined;
  readonly receipts: readonly string[];
  readonly explain: boolean;
  readonly writeKey: string | undefined;
}

export function readDecideRequest(body: JsonObject, plan: PlanDefinition): DecideRequest {
  const { writeKey, sentAt } = body;
  return {
    identifiers: readIdentifiers(body),
    placements: readPlacements(body.placements, plan),
    context: readOptional(body, "context", isObject, "an object") ?? null,
    events: readOptional(body, "events", isList, "a list") ?? [],
    sentAt,
    receipts: receiptsOfBody(body.atLeast),
    explain: readOptional(body, "explain", isBoolean, "true or false") ?? false,
    writeKey: typeof writeKey === "string" && writeKey !== "" ? writeKey : undefined,
  };
}

function readPlacements(value: Json | undefined, plan: PlanDefinition): readonly string[] {
  if (!isList(value) || value.length === 0 || !value.every((name) => typeof name === "string")) {
    throw new FreshetError(
      "requestShape",
      '"placements" should be a list of names with at least one',
    );
  }
  if (value.length > limits.placementsMax) {
    const message = `${value.length} placements were asked for; at most ${limits.placementsMax} are decided`;
    throw new FreshetError("requestShape", message);
  }
  const known = plan.placements.map(({ name }) => name);
  for (const name of value) if (!known.includes(name)) throw unknownPlacement(name, known);
  return value;
}

function unknownPlacement(name: string, known: readonly string[]): FreshetError {
  const shown = name.slice(0, 100);
  const near = nearest(shown, known);
  const message = `the plan has no placement "${shown}"`;
  if (near === null) return new FreshetError("placementUnknown", message);
  return new FreshetError("placementUnknown", message, { hint: `did you mean "${near}"?` });
}

function readOptional<Value extends Json>(
  body: JsonObject,
  name: string,
  is: (value: Json) => value is Value,
  expected: string,
): Value | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (is(value)) return value;
  throw new FreshetError("requestShape", `"${name}" should be ${expected}`);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isBoolean(value: Json): value is boolean {
  return typeof value === "boolean";
}
