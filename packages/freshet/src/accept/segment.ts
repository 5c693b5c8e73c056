import type { Json, JsonObject } from "@freshet/protocol";
import type { EventType } from "../core/event.ts";
import type { Draft } from "./draft.ts";
import { extraOf, isObject, readIdentifier, readName, readObject } from "./field.ts";
import { type Issue, show } from "./issue.ts";

/** An event of the Segment wire (WIRE section 3). `pathType` is the type that the path names. */
export function readSegment(
  event: JsonObject,
  pathType: EventType | undefined,
  issues: Issue[],
): Draft {
  const type = pathType ?? readType(event, issues);
  const ids = readIds(event, type, issues);
  const original = event.originalTimestamp;
  const useOriginal = original !== undefined && original !== null;
  const context = readObject(event, "context", issues);
  const traits = hasTraits(type) ? readTraits(event, { type, context }, issues) : undefined;
  return {
    type,
    name: type === "track" ? readName(event, "event", issues) : eventNames[type],
    messageId: readIdentifier(event, "messageId", issues),
    userId: ids.userId,
    anonymousId: ids.anonymousId,
    timestamp: useOriginal ? original : event.timestamp,
    properties: readProperties(event, { type, traits, previousId: ids.previousId }, issues),
    traits: type === "identify" ? traits : undefined,
    context,
    extra: extraOf(event, knownFields[type]),
    retryCount: isObject(event._metadata) ? event._metadata.retryCount : undefined,
    contractField: hasTraits(type) ? "traits" : "properties",
    timestampField: useOriginal ? "originalTimestamp" : "timestamp",
  };
}

/** Names that plans use for the types whose events carry none. */
export const eventNames: Readonly<Record<Exclude<EventType, "track">, string>> = {
  identify: "Identify",
  page: "Page",
  screen: "Screen",
  group: "Group",
  alias: "Alias",
};

/** Where both shapes may come, the one that has a `type`: no native event needs one. */
export function isSegmentEvent(event: JsonObject): boolean {
  return Object.hasOwn(event, "type");
}

function isEventType(value: Json | undefined): value is EventType {
  return typeof value === "string" && (value === "track" || Object.hasOwn(eventNames, value));
}

function readType(event: JsonObject, issues: Issue[]): EventType {
  if (isEventType(event.type)) return event.type;
  const message = `"type" should be one of track, identify, page, screen, group, alias, but came as ${show(event.type)}`;
  issues.push({ code: "eventTypeUnknown", message, path: "/type" });
  return "track";
}

function hasTraits(type: EventType): boolean {
  return type === "identify" || type === "group";
}

/** RudderStack's SDKs for pages and apps send the traits of an identify in its context alone. */
function readTraits(
  event: JsonObject,
  { type, context }: Pick<Draft, "type" | "context">,
  issues: Issue[],
): JsonObject | undefined {
  const own = readObject(event, "traits", issues);
  if (own !== undefined || type !== "identify") return own;
  return isObject(context?.traits) ? context.traits : undefined;
}

interface Ids {
  readonly userId: string | undefined;
  readonly anonymousId: string | undefined;
  /** alias only, and only where it did not become the anonymous id. */
  readonly previousId: string | undefined;
}

/** An alias says "the one known as previousId is userId": an event of both, which links them (DESIGN 6). */
function readIds(event: JsonObject, type: EventType, issues: Issue[]): Ids {
  const userId = readIdentifier(event, "userId", issues);
  const anonymousId = readIdentifier(event, "anonymousId", issues);
  if (type !== "alias") return { userId, anonymousId, previousId: undefined };
  if (userId === undefined) {
    const message = `"userId" should be there: an alias links "previousId" to it`;
    issues.push({ code: "identifierMissing", message, path: "/userId" });
  }
  const previousId = readIdentifier(event, "previousId", issues);
  if (anonymousId === undefined) return { userId, anonymousId: previousId, previousId: undefined };
  return { userId, anonymousId, previousId: previousId === anonymousId ? undefined : previousId };
}

function readProperties(
  event: JsonObject,
  read: Pick<Draft, "type" | "traits"> & Pick<Ids, "previousId">,
  issues: Issue[],
): JsonObject {
  switch (read.type) {
    case "group": {
      const groupId = readIdentifier(event, "groupId", issues);
      return { ...read.traits, ...(groupId === undefined ? undefined : { groupId }) };
    }
    case "page":
    case "screen":
      return withNames(event, readObject(event, "properties", issues) ?? {});
    case "alias": {
      const properties = readObject(event, "properties", issues) ?? {};
      return read.previousId === undefined
        ? properties
        : { ...properties, previousId: read.previousId };
    }
    case "track":
    case "identify":
      return readObject(event, "properties", issues) ?? {};
  }
}

/** Name and category of a page are properties to plans, wherever the client put them. */
function withNames(event: JsonObject, properties: JsonObject): JsonObject {
  const { name, category } = event;
  const addName = isSaid(name) && !Object.hasOwn(properties, "name");
  const addCategory = isSaid(category) && !Object.hasOwn(properties, "category");
  if (!addName && !addCategory) return properties;
  return { ...properties, ...(addName && { name }), ...(addCategory && { category }) };
}

function isSaid(value: Json | undefined): value is Exclude<Json, null> {
  return value !== undefined && value !== null && value !== "";
}

const everyType = [
  ...["type", "event", "messageId", "userId", "anonymousId", "properties", "context"],
  ...["timestamp", "originalTimestamp", "sentAt", "receivedAt", "writeKey", "_metadata"],
];

/** Fields with a place of their own, and those that say nothing once the event is stored. */
const knownFields: Readonly<Record<EventType, ReadonlySet<string>>> = {
  track: new Set(everyType),
  identify: new Set([...everyType, "traits"]),
  page: new Set([...everyType, "name", "category"]),
  screen: new Set([...everyType, "name", "category"]),
  group: new Set([...everyType.filter((field) => field !== "properties"), "traits", "groupId"]),
  alias: new Set([...everyType, "previousId"]),
};
