import type { Expression } from "../expression/type.ts";
import { walk } from "../expression/walk.ts";
import type { EarlierVersionDefinition, EventDefinition, UpCastStep } from "./definition.ts";
import { originOf, PlanError } from "./error.ts";

/** Versions of one event: an event is tried against each that it may be of. */
const earlierMax = 50;
/** Beyond it two numbers that are not the same look the same to a client of another language. */
const versionMax = 2_147_483_647;

/** Throws PlanError for versions that cannot be told apart, and for up-casts that cannot run. */
export function checkVersions(
  event: EventDefinition,
  functions: { readonly [name: string]: string },
): void {
  const { name, version = 1, earlier = [] } = event;
  checkNumber(name, version, event);
  if (earlier.length > earlierMax)
    throw new PlanError(
      `event "${name}" lists ${earlier.length} earlier versions`,
      `keep at most ${earlierMax}: those that still come or are in the log`,
      originOf(event),
    );
  let before = 0;
  for (const one of earlier) {
    checkNumber(name, one.version, one);
    if (one.version <= before || one.version >= version)
      throw new PlanError(
        `event "${name}" lists version ${one.version} ${one.version <= before ? `after ${before}` : `as earlier than ${version}`}`,
        "list earlier versions from the oldest to the newest, and give the event the version after them",
        originOf(one),
      );
    before = one.version;
    for (const step of one.upCast) checkStep(step, { event: name, version: one, functions });
  }
}

function checkNumber(event: string, version: number, origin: object): void {
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax)
    throw new PlanError(
      `event "${event}" has version ${version}`,
      `versions are whole numbers from 1 to ${versionMax}`,
      originOf(origin),
    );
}

interface Where {
  readonly event: string;
  readonly version: EarlierVersionDefinition;
  readonly functions: { readonly [name: string]: string };
}

function checkStep(step: UpCastStep, where: Where): void {
  switch (step.op) {
    case "rename":
      checkPath(step.from, step, where);
      checkPath(step.to, step, where);
      return;
    case "default":
    case "drop":
      checkPath(step.property, step, where);
      return;
    case "compute":
      checkPath(step.property, step, where);
      walk(step.value, (part) => checkPart(part, step, where));
      return;
    case "run":
      if (!Object.hasOwn(where.functions, step.function))
        throw wrong(where, step, `runs "${step.function}", which the plan has not`, "use upCast()");
  }
}

function checkPath(path: string, step: UpCastStep, where: Where): void {
  const names = path.split(".");
  if (names.includes("") || names.includes("__proto__"))
    throw wrong(where, step, `names "${path}"`, "name a property, or a path: address.zip");
}

/** An up-cast is asked again at each replay, and by accept: only what the event itself holds is always the same. */
function checkPart(part: Expression, step: UpCastStep, where: Where): void {
  if (
    "feature" in part ||
    "trait" in part ||
    "segment" in part ||
    "joined" in part ||
    "now" in part
  )
    throw wrong(
      where,
      step,
      `computes from ${"joined" in part ? "a table" : "now" in part ? "the clock" : "the profile"}`,
      "use the event's own properties, its context or its time",
    );
}

function wrong(where: Where, step: UpCastStep, what: string, hint: string): PlanError {
  const { event, version } = where;
  const origin = originOf(step) ?? originOf(version);
  return new PlanError(
    `the up-cast of event "${event}" from version ${version.version} ${what}`,
    hint,
    origin,
  );
}
