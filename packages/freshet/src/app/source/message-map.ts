import type { Json, JsonObject } from "@freshet/protocol";
import type { Scalar } from "../../core/expression/type.ts";
import type { ImportDefinition } from "../../core/plan/definition.ts";
import type { Condition, Value } from "../../core/plan/value.ts";
import { compileMapping } from "../import/mapping.ts";

/**
 * What messages mean that are no events themselves: as an import's mapping, over two columns. `column("payload")` is
 * the payload, `column("payload.battery")` a field of it, `column("topic.store")` the level of the topic that the
 * filter calls `+store`, `column("topic.path")` the whole topic.
 */
export interface MessageMap {
  /** JSON unless said. */
  readonly payload?: "json" | "number" | "text";
  readonly event: Value<string>;
  readonly userId?: Value<Scalar>;
  readonly anonymousId?: Value<Scalar>;
  /** When the message came, unless said. */
  readonly time?: Value<string | number>;
  readonly properties?: { readonly [name: string]: Value<unknown> };
  /** Messages for which it does not hold are left out. */
  readonly where?: Condition;
}

/** The native event of a message, null where it is left out, or why it cannot be one. */
export type ReadMessage = (payload: Json, topic: JsonObject) => JsonObject | string | null;

/** A map as a function. */
export function compileMessageMap(map: MessageMap): ReadMessage {
  const { event, userId, anonymousId, time, properties = {}, where } = map;
  const definition: ImportDefinition = {
    name: "message",
    event: event.expression,
    ...(userId === undefined ? {} : { userId: userId.expression }),
    ...(anonymousId === undefined ? {} : { anonymousId: anonymousId.expression }),
    time: time?.expression ?? { const: nowMark },
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, { expression }]) => [name, expression]),
    ),
    numbers: [],
    ...(where === undefined ? {} : { where: where.expression }),
  };
  const mapping = compileMapping(definition);
  return (payload, topic) => {
    const values = { payload, topic };
    const history = mapping.toHistory({ kind: "row", row: 1, line: 1, values, text: null });
    if (history === null) return null;
    if ("broken" in history) return history.broken;
    const { timestamp, ...rest } = history.event;
    return timestamp === nowMark || timestamp === undefined ? rest : { ...rest, timestamp };
  };
}

/** Stands for the moment at which a message came, which accept knows. */
const nowMark = "when it came";
