import type { Json } from "@freshet/protocol";
import type { EarlierVersionDefinition, UpCastStep } from "./definition.ts";
import { withOrigin } from "./error.ts";
import { type Contract, type ContractProperties, declared, type UpCastFunction } from "./event.ts";
import type { Value } from "./value.ts";

/** A step of an up-cast, with the plan's own function where it has one. */
export interface UpCastRef {
  readonly step: UpCastStep;
  readonly run?: UpCastFunction;
}

/** An earlier version of an event; see `earlier`. */
export interface EarlierVersion {
  readonly definition: EarlierVersionDefinition;
  readonly functions: { readonly [name: string]: UpCastFunction };
}

/**
 * A version that events still have: what it looks like, and the steps that make its properties those of the next one.
 * The steps may be given by a function of the version's own properties.
 */
export function earlier<const C extends Contract>(
  version: number,
  contract: C,
  upCast: readonly UpCastRef[] | ((prop: ContractProperties<C>) => readonly UpCastRef[]),
): EarlierVersion {
  const { properties, schema, prop } = declared(contract);
  const steps = typeof upCast === "function" ? upCast(prop) : upCast;
  const functions: { [name: string]: UpCastFunction } = {};
  for (const { step, run } of steps)
    if (step.op === "run" && run !== undefined) functions[step.function] = run;
  const definition = {
    version,
    properties,
    ...(schema === undefined ? {} : { schema }),
    upCast: steps.map(({ step }) => step),
  };
  return { definition: withOrigin(definition), functions };
}

/** Another name, or another place: `rename("zip", "address.zip")`. Nothing happens where there is no such property. */
export const rename = (from: string, to: string): UpCastRef => ({
  step: withOrigin({ op: "rename", from, to }),
});

/** A value where there is none, or null. */
export const setDefault = (property: string, value: Json): UpCastRef => ({
  step: withOrigin({ op: "default", property, value }),
});

export const drop = (property: string): UpCastRef => ({
  step: withOrigin({ op: "drop", property }),
});

/** A value from what the properties are before this step: `compute("total", multiply(price, quantity))`. */
export const compute = (property: string, value: Value<unknown>): UpCastRef => ({
  step: withOrigin({ op: "compute", property, value: value.expression }),
});

/** A pure TypeScript function, named and hashed as a transform: same input, same output, no clock and no I/O. */
export const upCast = (name: string, run: UpCastFunction): UpCastRef => ({
  step: withOrigin({ op: "run", function: name }),
  run,
});
