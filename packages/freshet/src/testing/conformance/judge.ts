import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import type { AnswerRule, EventRule, HeaderRule, StoredEvent } from "./case.ts";
import type { RawAnswer } from "./http.ts";

/** What SDKs know what to do with: anything else is dropped by some of them, or taken as delivered. */
const allowedStatus: readonly number[] = [200, 400, 401, 413, 429, 503];

/** What is wrong with an answer; null where it is as it should be. */
export function faultOfAnswer(answer: RawAnswer, rule: AnswerRule): string | null {
  const { status } = answer;
  const wanted = rule.status.join(" or ");
  if (!rule.status.includes(status)) {
    const more = allowedStatus.includes(status) ? "" : ", which no answer to a client should be";
    return `answered ${status}${more}, expected ${wanted}: ${answer.body.slice(0, 200)}`;
  }
  return (
    faultOfWaiting(answer) ??
    first(Object.entries(rule.headers ?? {}), ([name, header]) =>
      faultOfHeader(name, answer.headers.get(name), header),
    ) ??
    faultOfBody(answer.body, rule)
  );
}

/** Clients of different ages read different headers, and none of them fractions or dates. */
function faultOfWaiting({ status, headers }: RawAnswer): string | null {
  if (status !== 429 && status !== 503) return null;
  return first(["retry-after", "x-ratelimit-reset"], (name) => {
    const value = headers.get(name);
    return value !== undefined && /^\d+$/.test(value)
      ? null
      : `answered ${status} with "${name}: ${value ?? ""}", expected whole seconds`;
  });
}

function faultOfHeader(name: string, value: string | undefined, rule: HeaderRule): string | null {
  const came = `header "${name}" is ${value === undefined ? "missing" : `"${value}"`}`;
  switch (rule.kind) {
    case "is":
      return value === rule.value ? null : `${came}, expected "${rule.value}"`;
    case "atLeast":
      return Number(value) >= rule.value ? null : `${came}, expected at least ${rule.value}`;
    case "lists": {
      const listed = (value ?? "").split(",").map((text) => text.trim().toLowerCase());
      const missing = rule.names.filter((text) => !listed.includes(text.toLowerCase()));
      return missing.length === 0 ? null : `${came}, expected it to name ${missing.join(", ")}`;
    }
  }
}

function faultOfBody(body: string, rule: AnswerRule): string | null {
  const leak = rule.lacks?.find((text) => body.includes(text));
  if (leak !== undefined) return `the answer names "${leak}"`;
  if (rule.json === undefined && rule.texts === undefined) return null;
  let value: Json;
  try {
    value = readJson(body) as Json;
  } catch {
    return `the answer is not JSON: ${body.slice(0, 200)}`;
  }
  return (
    difference(value, rule.json ?? {}, "the answer") ??
    first(rule.texts ?? [], (path) => {
      const found = path.reduce<Json | undefined>((at, name) => fieldOf(at, name), value);
      const isText = typeof found === "string" && found !== "";
      return isText ? null : `the answer has no text at "${path.join(".")}"`;
    })
  );
}

/** What is wrong with a stored event. */
export function faultOfEvent(event: StoredEvent | undefined, rule: EventRule): string | null {
  if (event === undefined) return "the probe tells nothing about the event";
  const { time, contextLacks = {}, ...fields } = rule;
  const { time: at } = event;
  if (time !== undefined) {
    const apart = at === undefined ? Number.NaN : Math.abs(at - time.near);
    if (!(apart <= time.withinMs))
      return `the event's time is ${shownTime(at)}, expected about ${shownTime(time.near)}`;
  }
  const leak = Object.keys(contextLacks).find(
    (name) => event.context?.[name] === contextLacks[name],
  );
  if (leak !== undefined) return `the event's context has the "${leak}" that the client claimed`;
  return difference(event as unknown as Json, fields as JsonObject, "the event");
}

const shownTime = (ms: number | undefined) =>
  ms === undefined ? "missing" : new Date(ms).toISOString();

/** Where a value has not what is wanted of it; what it has on top does not matter. */
function difference(value: Json | undefined, wanted: Json, at: string): string | null {
  if (Array.isArray(wanted) || typeof wanted !== "object" || wanted === null) {
    const [came, expected] = [JSON.stringify(value), JSON.stringify(wanted)];
    return came === expected ? null : `${at} is ${came?.slice(0, 200)}, expected ${expected}`;
  }
  return first(Object.entries(wanted), ([name, part]) =>
    part === undefined ? null : difference(fieldOf(value, name), part, `${at}'s "${name}"`),
  );
}

function fieldOf(value: Json | undefined, name: string): Json | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
}

function first<T>(items: readonly T[], fault: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = fault(item);
    if (found !== null) return found;
  }
  return null;
}
