/**
 * What a state may consist of (DESIGN 3, rule 7): null, booleans, finite numbers but -0, texts, arrays and
 * plain objects. All of it comes back from any codec as what it was; nothing else does.
 */
export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/** Deeper is a structure that refers to itself, or a mistake. */
export const plainDepthMax = 64;

/** Throws on the first value that would not come back, and names where it is. Fast enough for every event. */
export function assertPlain(value: unknown, path = "state"): asserts value is Plain {
  // Nearly every state is sound: only one that is not pays for being told where.
  if (!isSound(value, 0)) check(value, path, null);
}

/** The same as finding no fault, without keeping track of where. */
function isSound(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "number":
      // Infinity - Infinity and NaN - NaN are NaN; 1 / -0 is negative.
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    case "string":
    case "boolean":
      return true;
    case "object":
      if (value === null) return true;
      return Array.isArray(value) ? isSoundArray(value, depth) : false;
    default:
      return false;
  }
}

/** A hole reads as undefined. Objects are rare in a state and take the other way. */
function isSoundArray(value: readonly unknown[], depth: number): boolean {
  if (depth === plainDepthMax) return false;
  for (let index = 0; index < value.length; index++)
    if (!isSound(value[index], depth + 1)) return false;
  return true;
}

/**
 * Also refuses what is dear to look for: values that are reached twice (they would come back as two), lone
 * surrogates, named or symbol properties beside the elements of an array.
 */
export function assertPlainStrict(value: unknown, path = "state"): asserts value is Plain {
  check(value, path, new Set());
}

/** What would come back: a deep copy. Throws as `assertPlainStrict`. */
export function roundTrip<Value>(value: Value, path = "state"): Value {
  assertPlainStrict(value, path);
  return copy(value) as Value;
}

/** Equality of plain values. The order of an object's keys does not matter. */
export function deepEqualPlain(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => deepEqualPlain(item, b[i]));
  }
  const entries = Object.entries(a);
  if (entries.length !== Object.keys(b).length) return false;
  return entries.every(
    ([key, item]) =>
      Object.hasOwn(b, key) && deepEqualPlain(item, (b as Record<string, unknown>)[key]),
  );
}

/** What is wrong, and where; the path grows on the way out, so that sound values cost no text. */
interface Fault {
  path: string;
  readonly what: string;
}

function check(value: unknown, path: string, seen: Set<object> | null): void {
  const fault = faultOf(value, 0, seen);
  if (fault === null) return;
  throw new Error(
    `${path}${fault.path} is ${fault.what}, which would not come back from a codec as what it was`,
  );
}

/** `seen` is null where the dear checks are left out. */
function faultOf(value: unknown, depth: number, seen: Set<object> | null): Fault | null {
  switch (typeof value) {
    case "boolean":
      return null;
    case "number":
      if (!Number.isFinite(value)) return fault(String(value));
      return value === 0 && Object.is(value, -0) ? fault("-0") : null;
    case "string":
      return seen !== null && loneSurrogate.test(value)
        ? fault("a text with a lone surrogate")
        : null;
    case "object":
      return value === null ? null : faultOfObject(value, depth, seen);
    default:
      return fault(article(typeof value));
  }
}

const loneSurrogate = /\p{Surrogate}/u;

function faultOfObject(value: object, depth: number, seen: Set<object> | null): Fault | null {
  if (depth === plainDepthMax) return fault(`a value nested more than ${plainDepthMax} deep`);
  if (seen !== null) {
    if (seen.has(value)) return fault("a value that is reached twice");
    seen.add(value);
  }
  return Array.isArray(value)
    ? faultOfArray(value, depth, seen)
    : faultOfRecord(value as Record<string, unknown>, depth, seen);
}

function faultOfArray(value: unknown[], depth: number, seen: Set<object> | null): Fault | null {
  if (Object.getPrototypeOf(value) !== Array.prototype) return fault(nameOf(value));
  if (seen !== null && Reflect.ownKeys(value).length > value.length + 1) {
    return fault("an array with named properties");
  }
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    const inner =
      item === undefined && !(i in value) ? fault("a hole") : faultOf(item, depth + 1, seen);
    if (inner !== null) return within(`[${i}]`, inner);
  }
  return null;
}

function faultOfRecord(
  value: Record<string, unknown>,
  depth: number,
  seen: Set<object> | null,
): Fault | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return fault(nameOf(value));
  if (seen !== null && Object.getOwnPropertySymbols(value).length > 0) {
    return fault("an object with symbol properties");
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return fault('an object with a key "__proto__"');
    if (seen !== null && loneSurrogate.test(key))
      return fault("an object whose key has a lone surrogate");
    const inner = faultOf(value[key], depth + 1, seen);
    if (inner !== null) return within(`.${key}`, inner);
  }
  return null;
}

function fault(what: string): Fault {
  return { path: "", what };
}

function within(step: string, inner: Fault): Fault {
  inner.path = step + inner.path;
  return inner;
}

function nameOf(value: object): string {
  const maker: unknown = (value as { constructor?: unknown }).constructor;
  return typeof maker === "function" ? article(maker.name) : "an object with a prototype";
}

function article(name: string): string {
  if (name === "undefined") return name;
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
}
