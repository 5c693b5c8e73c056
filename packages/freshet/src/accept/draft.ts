import type { Json, JsonObject } from "@freshet/protocol";
import type { EventType } from "../core/event.ts";

/** One event as a wire's reader understood it, before time, contract and joins. */
export interface Draft {
  readonly type: EventType;
  readonly name: string;
  readonly messageId: string | undefined;
  readonly userId: string | undefined;
  readonly anonymousId: string | undefined;
  /** As the client sent it; null and undefined when it sent none. */
  readonly timestamp: Json | undefined;
  readonly properties: JsonObject;
  readonly traits: JsonObject | undefined;
  readonly context: JsonObject | undefined;
  readonly extra: JsonObject | undefined;
  /** Which attempt of the client this is, 0 = the first. */
  readonly retryCount: Json | undefined;
  /** Field of the client's event that the contract is about, for pointers into it. */
  readonly contractField: string;
  /** Field that the time came from, for messages. */
  readonly timestampField: string;
}
