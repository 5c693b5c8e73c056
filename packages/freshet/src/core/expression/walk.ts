import type { Expression } from "./type.ts";

/** Direct parts of an expression. */
export function children(expression: Expression): readonly Expression[] {
  if ("op" in expression) return expression.args;
  if ("feature" in expression && expression.at !== undefined) return [expression.at];
  return [];
}

export function walk(expression: Expression, visit: (expression: Expression) => void): void {
  visit(expression);
  for (const child of children(expression)) walk(child, visit);
}

/** Everything of a profile that an expression depends on. */
export interface Dependencies {
  readonly features: ReadonlySet<string>;
  readonly traits: ReadonlySet<string>;
  readonly segments: ReadonlySet<string>;
}

export function dependenciesOf(expression: Expression): Dependencies {
  const features = new Set<string>();
  const traits = new Set<string>();
  const segments = new Set<string>();
  walk(expression, (part) => {
    if ("feature" in part) features.add(part.feature);
    else if ("trait" in part) traits.add(part.trait);
    else if ("segment" in part) segments.add(part.segment);
  });
  return { features, traits, segments };
}
