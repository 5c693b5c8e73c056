import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../field.ts";

/** Steps from the event down: names, `*` for any one name or place in a list, `**` for any depth, none included. */
export type Path = readonly string[];

/** What becomes of a value; undefined takes it away. */
export type Change = (value: Json) => Json | undefined;

export function parsePath(text: string): Path {
  return text.split(".");
}

/**
 * The value with the change made wherever the path leads. What changes is copied and the rest shared, since several
 * events may hold the same context. Recursion ends where the event does (`limits.eventDepthMax`).
 */
export function changeAt(value: Json, path: Path, change: Change, at = 0): Json | undefined {
  const step = path[at];
  if (step === undefined) return change(value);
  if (step === "*") return changeChildren(value, () => true, descend);
  if (step !== "**") return changeNamed(value, step, descend);
  const here = changeAt(value, path, change, at + 1);
  if (here === undefined || at === path.length - 1) return here;
  // What the path ended at was changed already; hashing it twice would give another hash.
  const ended = path.length === at + 2 ? path[at + 1] : undefined;
  return changeChildren(
    here,
    (key) => ended !== "*" && ended !== key,
    (child) => (isContainer(child) ? changeAt(child, path, change, at) : child),
  );

  function descend(child: Json): Json | undefined {
    return changeAt(child, path, change, at + 1);
  }
}

function isContainer(value: Json): boolean {
  return value !== null && typeof value === "object";
}

function changeChildren(value: Json, isMeant: (key: string) => boolean, changeChild: Change): Json {
  if (Array.isArray(value)) return changeList(value, isMeant, changeChild);
  return isObject(value) ? changeObject(value, isMeant, changeChild) : value;
}

/** One name, without a look at the others. */
function changeNamed(value: Json, name: string, changeChild: Change): Json {
  if (!isObject(value)) return changeChildren(value, (key) => key === name, changeChild);
  const child = Object.hasOwn(value, name) ? value[name] : undefined;
  const now = child === undefined ? undefined : changeChild(child);
  if (now === child) return value;
  if (now !== undefined) return { ...value, [name]: now };
  const { [name]: _gone, ...others } = value;
  return others;
}

function changeObject(
  object: JsonObject,
  isMeant: (key: string) => boolean,
  changeChild: Change,
): JsonObject {
  let changed: Record<string, Json | undefined> | undefined;
  for (const key in object) {
    const child = object[key];
    if (child === undefined || !isMeant(key)) continue;
    const now = changeChild(child);
    if (now === child) continue;
    changed ??= { ...object };
    if (now === undefined) delete changed[key];
    else changed[key] = now;
  }
  return changed ?? object;
}

function changeList(
  list: readonly Json[],
  isMeant: (key: string) => boolean,
  changeChild: Change,
): readonly Json[] {
  const changed = list.flatMap((child, index) => {
    const now = isMeant(String(index)) ? changeChild(child) : child;
    return now === undefined ? [] : [now];
  });
  return changed.length === list.length && changed.every((child, index) => child === list[index])
    ? list
    : changed;
}

/** The value with the change made to each text, number and truth value in it. */
export function changeLeaves(value: Json, change: Change): Json | undefined {
  return isContainer(value)
    ? changeChildren(
        value,
        () => true,
        (child) => changeLeaves(child, change),
      )
    : change(value);
}
