import type { Json, JsonObject } from "@freshet/protocol";
import { hashHex } from "../../../core/hash.ts";
import { isNothing, isObject, segmentProperties } from "./ecommerce.ts";
import { withoutEmpty } from "./ga4.ts";
import type { BuiltEvent, BuiltOptions } from "./type.ts";

/**
 * A row of Mixpanel's raw export: `{ event, properties: { time, distinct_id, $insert_id, ... } }`. The reason where
 * it is none.
 *
 * Mixpanel itself takes events as the same where name, time, distinct id and insert id are, so all four make the id:
 * some senders use one insert id for several events.
 */
export function readMixpanel(row: JsonObject, options: BuiltOptions): BuiltEvent | string | null {
  const { event: name, properties } = row;
  if (typeof name !== "string" || name === "") return '"event" should be a text';
  if (!isObject(properties)) return '"properties" should be an object';
  const timeMs = timeMsOf(properties.time);
  if (timeMs === null) return '"time" should be seconds or milliseconds since 1970';
  const ids = idsOf(name, properties);
  if (ids.user_id === undefined && ids.anonymous_id === undefined) return null;
  const { $insert_id: insertId, distinct_id: distinctId = null } = properties;
  const type = options.usesSegmentNames ? (segmentNames.get(name) ?? name) : name;
  const kept = Object.fromEntries(
    Object.entries(properties).filter(([key, value]) => !moved.has(key) && value !== null),
  );
  return {
    id: isNothing(insertId)
      ? null
      : `mixpanel-${hashHex(JSON.stringify([name, timeMs, distinctId, insertId ?? null]))}`,
    event: {
      event_type: type,
      timestamp: timeMs,
      ...ids,
      metadata: options.usesSegmentNames ? segmentProperties(type, kept) : kept,
      context: contextOf(properties),
    },
  };
}

/** Mixpanel's own names; those of shops are whatever each of them chose. */
const segmentNames: ReadonlyMap<string, string> = new Map([
  ["$mp_web_page_view", "Page"],
  ["$ae_first_open", "Application Installed"],
  ["$ae_updated", "Application Updated"],
]);

/** Seconds in exports, milliseconds in what some tools make of them. */
function timeMsOf(time: Json | undefined): number | null {
  const number = typeof time === "string" && /^\d{1,16}$/.test(time) ? Number(time) : time;
  if (typeof number !== "number" || !(number > 0)) return null;
  const ms = Math.floor(number < secondsEnd ? number * 1000 : number);
  return ms <= dateMsMax ? ms : null;
}

/** As seconds the year 5138, as milliseconds 1973. */
const secondsEnd = 1e11;
/** The last moment that a date can hold. */
const dateMsMax = 8.64e15;

interface Ids {
  readonly user_id?: Json;
  readonly anonymous_id?: Json;
}

/**
 * A device's id is marked by `$device:`, or is what `$device_id` says; every other distinct id is a user. An event
 * with both links them, and so does `$identify`.
 */
function idsOf(name: string, properties: JsonObject): Ids {
  const { $device_id: device, distinct_id: distinct, $user_id: said } = properties;
  if (name === "$identify") {
    const { $identified_id: user, $anon_id: anonymous } = properties;
    return idsFrom(isNothing(user) ? distinct : user, isNothing(anonymous) ? device : anonymous);
  }
  const isDevice = String(distinct).startsWith(devicePrefix) || plain(distinct) === plain(device);
  if (!isNothing(said)) return idsFrom(said, isDevice ? distinct : device);
  return isDevice ? idsFrom(null, distinct) : idsFrom(distinct, device);
}

function idsFrom(user: Json | undefined, device: Json | undefined): Ids {
  return {
    ...(isNothing(user) ? {} : { user_id: user ?? null }),
    ...(isNothing(device) || device === user ? {} : { anonymous_id: plain(device) }),
  };
}

const devicePrefix = "$device:";

function plain(id: Json | undefined): Json {
  return typeof id === "string" && id.startsWith(devicePrefix)
    ? id.slice(devicePrefix.length)
    : (id ?? null);
}

/** Properties with a place of their own: ids, time, and what the context has. */
const moved: ReadonlySet<string> = new Set([
  ...["time", "distinct_id", "$insert_id", "$device_id", "$user_id", "$identified_id", "$anon_id"],
  ...["$os", "$os_version", "$city", "$region", "mp_country_code", "$current_url", "$referrer"],
  ...["$manufacturer", "$model", "$app_version_string", "utm_source", "utm_medium"],
  ...["utm_campaign", "utm_term", "utm_content", "mp_processing_time_ms", "mp_sent_by_lib_version"],
  ...["$import", "$mp_api_endpoint", "$mp_api_timestamp_ms"],
]);

function contextOf(properties: JsonObject): JsonObject {
  const part = (names: Readonly<Record<string, string>>): JsonObject => {
    const pairs = Object.entries(names).map(
      ([to, from]) => [to, properties[from] ?? null] as const,
    );
    return Object.fromEntries(pairs.filter(([, value]) => !isNothing(value)));
  };
  return withoutEmpty({
    os: part({ name: "$os", version: "$os_version" }),
    device: part({ manufacturer: "$manufacturer", model: "$model" }),
    location: part({ city: "$city", region: "$region", country: "mp_country_code" }),
    app: part({ version: "$app_version_string" }),
    page: part({ url: "$current_url", referrer: "$referrer" }),
    campaign: part({
      ...{ source: "utm_source", medium: "utm_medium", name: "utm_campaign" },
      ...{ term: "utm_term", content: "utm_content" },
    }),
  });
}
