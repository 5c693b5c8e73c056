import type { JsonObject } from "@freshet/protocol";

/** A row as a native event, by a mapping that comes with Freshet. */
export interface BuiltEvent {
  /** Where rows say who they are; the same row in another export is then the same event. */
  readonly id: string | null;
  readonly event: JsonObject;
}

/** What the mappings that come with Freshet are told. */
export interface BuiltOptions {
  /** Makes ids of visitors from their addresses; asked for when the first row needs it. */
  readonly visitorKey: () => Uint8Array;
  /** Names of Segment's e-commerce events, and properties under its names, where there are some. */
  readonly usesSegmentNames: boolean;
}
