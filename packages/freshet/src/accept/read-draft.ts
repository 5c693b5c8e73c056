import type { JsonObject } from "@freshet/protocol";
import { readCloudEvent } from "./cloudevent.ts";
import type { Draft } from "./draft.ts";
import type { Issue } from "./issue.ts";
import { readNative } from "./native.ts";
import type { EventsInput } from "./request.ts";
import { isSegmentEvent, readSegment } from "./segment.ts";

/** Reads an event in the shape that its way in has. */
export function readDraft(
  event: JsonObject,
  { shape, type }: Pick<EventsInput, "shape" | "type">,
  issues: Issue[],
): Draft {
  switch (shape) {
    case "segment-batch":
      return readSegment(event, undefined, issues);
    case "segment-single":
      return readSegment(event, type, issues);
    case "cloudevent":
    case "cloudevent-batch":
    case "cloudevent-binary":
      return readCloudEvent(event, issues);
    case "either":
      return isSegmentEvent(event)
        ? readSegment(event, undefined, issues)
        : readNative(event, issues);
    case "native":
    case "import-rows":
      return readNative(event, issues);
  }
}
