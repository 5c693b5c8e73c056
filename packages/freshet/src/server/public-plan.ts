import type { Json } from "@freshet/protocol";
import type { Expression } from "../core/expression/type.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";

/**
 * The plan as holders of a write key may see it decide: texts of a placement that would show a trait read it as
 * absent. A write key is public, and user ids can be guessed; conditions may still look at traits.
 */
export function publicPlan(plan: CompiledPlan): CompiledPlan {
  const known = made.get(plan);
  if (known !== undefined) return known;
  const { definition } = plan.plan;
  const placements = definition.placements.map((placement) => ({
    ...placement,
    variants: placement.variants.map((variant) => ({
      ...variant,
      fields: Object.fromEntries(
        Object.entries(variant.fields).map(([name, field]) => [name, withoutTraits(field)]),
      ),
    })),
  }));
  const redacted = { ...plan, plan: { ...plan.plan, definition: { ...definition, placements } } };
  made.set(plan, redacted);
  return redacted;
}

const made = new WeakMap<CompiledPlan, CompiledPlan>();

function withoutTraits(expression: Expression): Expression {
  return mapJson(expression as Json) as Expression;
}

/** Expressions are plain JSON: a node `{ trait: name }` becomes the constant null wherever it stands. */
function mapJson(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((entry) => mapJson(entry as Json));
  if (Object.hasOwn(value, "const")) return value;
  if (Object.hasOwn(value, "trait")) return { const: null };
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, mapJson(entry ?? null)]),
  );
}
