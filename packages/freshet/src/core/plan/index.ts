/** The language that plans are written in. */
export type * from "./definition.ts";
export { PlanError } from "./error.ts";
export * from "./event.ts";
export * from "./feature.ts";
export { definePlan, type Plan, type PlanSettings } from "./plan.ts";
export * from "./rule.ts";
export * from "./schema.ts";
export * from "./up-cast.ts";
export * from "./value.ts";
