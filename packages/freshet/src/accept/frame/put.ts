import type { Json, JsonObject } from "@freshet/protocol";
import { isEmpty, isObject } from "../field.ts";
import type { CaptureShape } from "../request.ts";
import type { PutValue } from "./decode.ts";

/** How a value becomes an event of the shape; a CloudEvent has it as its data. */
export function putterOf(shape: CaptureShape): PutValue {
  return shape === "native" ? putNative : putData;
}

const putData: PutValue = ({ data_base64: _base64, ...known }, value) => ({
  ...known,
  data: value,
});

/**
 * A value with an `event_type` is a native event. Any other is the properties of one, whose name is the schema's unless
 * the request says another; fields of it that are called as a native event's are those as well. What the request says
 * of a native event stands where the event itself says nothing.
 */
const putNative: PutValue = (known, value, name) => {
  if (!isObject(value)) return value;
  const { data_base64: _base64, datacontenttype: _type, ...about } = known;
  if (isSaid(value, "event_type")) {
    const isWhole = isEmpty(about) && !identifying.some((field) => isNothing(value[field]));
    return isWhole ? value : { ...about, ...withoutNothing(value) };
  }
  const own = identifying.filter((field) => isSaid(value, field));
  return {
    ...(name === undefined ? {} : { event_type: name }),
    ...Object.fromEntries(own.map((field) => [field, value[field] as Json])),
    ...about,
    metadata: value,
  };
};

const identifying = ["event_id", "user_id", "anonymous_id", "timestamp", "schema_version"];

function isSaid(event: JsonObject, field: string): boolean {
  return Object.hasOwn(event, field) && event[field] !== undefined && !isNothing(event[field]);
}

/**
 * Writers of Avro have null where they say nothing, and those of Protobuf cannot tell it from zero: an event of 1970, or
 * of a user "0" who is everybody whose id was left out.
 */
function isNothing(value: Json | undefined): boolean {
  return value === null || value === "" || value === 0;
}

function withoutNothing(event: JsonObject): JsonObject {
  const said = Object.entries(event).filter(
    ([field, value]) => !(identifying.includes(field) ? isNothing(value) : value === null),
  );
  return Object.fromEntries(said);
}
