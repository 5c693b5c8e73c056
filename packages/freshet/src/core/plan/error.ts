/** A plan that cannot be used: what is wrong, what to do, and where it was written. */
export class PlanError extends Error {
  readonly code = "planInvalid";
  readonly hint: string;
  /** Stack text from the builder call that made the wrong definition; the loader finds the line in it. */
  readonly origin: string | undefined;

  constructor(message: string, hint: string, origin?: string) {
    super(message);
    this.name = "PlanError";
    this.hint = hint;
    this.origin = origin;
  }
}

/** Of the registry of symbols: a plan's file is bundled with builders of its own. */
const originKey: unique symbol = Symbol.for("freshet.origin");

/** Remembers where a definition was made, invisible to JSON and to hashes. */
export function withOrigin<T extends object>(definition: T): T {
  const origin = new Error("made here").stack;
  Object.defineProperty(definition, originKey, { value: origin, enumerable: false });
  return definition;
}

export function originOf(definition: object): string | undefined {
  return (definition as { readonly [originKey]?: string })[originKey];
}

/** The known name that is nearest to a wrong one, when it is near enough to be a slip of the hand. */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, two rows at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
