import type { JsonObject } from "@freshet/protocol";
import type { Draft } from "./draft.ts";
import { extraOf, readIdentifier, readName, readObject } from "./field.ts";
import type { Issue } from "./issue.ts";
import { eventNames } from "./segment.ts";

/**
 * A native event: `{ event_id, event_type, user_id | anonymous_id, timestamp, metadata }` and, where the client
 * has one, `context`. `event_type` is the event's name and never a Segment type, with one exception: there
 * would be no other way to tell traits, so `identify` takes `metadata` as the traits of the profile.
 */
export function readNative(event: JsonObject, issues: Issue[]): Draft {
  const name = readName(event, "event_type", issues);
  const metadata = readObject(event, "metadata", issues);
  const identify = name === "identify";
  return {
    type: identify ? "identify" : "track",
    name: identify ? eventNames.identify : name,
    messageId: readIdentifier(event, "event_id", issues),
    userId: readIdentifier(event, "user_id", issues),
    anonymousId: readIdentifier(event, "anonymous_id", issues),
    timestamp: event.timestamp,
    properties: identify ? {} : (metadata ?? {}),
    traits: identify ? metadata : undefined,
    context: readObject(event, "context", issues),
    extra: extraOf(event, knownFields),
    retryCount: undefined,
    contractField: "metadata",
    timestampField: "timestamp",
  };
}

const knownFields: ReadonlySet<string> = new Set([
  ...["event_id", "event_type", "user_id", "anonymous_id", "timestamp", "metadata"],
  ...["context", "writeKey", "sentAt"],
]);
