import type { Json, JsonObject } from "@freshet/protocol";
import { hashHex } from "../../../core/hash.ts";
import {
  isNothing,
  isObject,
  numberOf,
  productOf,
  segmentName,
  segmentProperties,
} from "./ecommerce.ts";
import { withoutNulls } from "./page-view.ts";
import type { BuiltEvent, BuiltOptions } from "./type.ts";

/**
 * A row of Google Analytics 4's export to BigQuery, as Firebase has it too, taken out as newline-delimited JSON. The
 * reason where it is none; null where it is of nobody (consent was denied, so there is no id).
 *
 * The export has no id of a row. One is made of what tells rows apart, parameters included, since several events of
 * one batch may have one time: the row in another export that overlaps this one is the same event.
 */
export function readGa4(row: JsonObject, options: BuiltOptions): BuiltEvent | string | null {
  const { event_name: name, user_id: userId, user_pseudo_id: pseudoId } = row;
  if (typeof name !== "string" || name === "") return '"event_name" should be a text';
  const timeMs = microsecondsToMs(row.event_timestamp);
  if (timeMs === null) return '"event_timestamp" should be microseconds since 1970';
  if (isNothing(userId) && isNothing(pseudoId)) return null;
  const kept = keptProperties(row);
  const type = options.usesSegmentNames ? segmentName(name) : name;
  return {
    id: `ga4-${hashHex(JSON.stringify(identityFields.map((field) => row[field] ?? null)))}`,
    event: {
      event_type: type,
      timestamp: timeMs,
      ...(isNothing(userId) ? {} : { user_id: userId ?? null }),
      ...(isNothing(pseudoId) ? {} : { anonymous_id: pseudoId ?? null }),
      metadata: options.usesSegmentNames ? segmentProperties(type, kept) : kept,
      context: contextOf(row, kept),
    },
  };
}

const identityFields = [
  ...["stream_id", "user_pseudo_id", "user_id", "event_name", "event_timestamp"],
  ...["event_bundle_sequence_id", "batch_page_id", "batch_ordering_id", "batch_event_index"],
  ...["event_params", "items"],
];

/** Sixteen digits, which a double holds. */
function microsecondsToMs(value: Json | undefined): number | null {
  const micros = typeof value === "string" ? numberOf(value) : value;
  return typeof micros === "number" && micros > 0 && Number.isSafeInteger(micros)
    ? Math.floor(micros / 1000)
    : null;
}

/** Parameters under their names, `products`, and what the export says about the order. */
function keptProperties(row: JsonObject): JsonObject {
  const { items, ecommerce } = row;
  const products = Array.isArray(items) ? (items as readonly Json[]).filter(isObject) : [];
  const order = isObject(ecommerce) ? mended(ecommerce) : {};
  return {
    ...paramsOf(row.event_params),
    ...(products.length === 0 ? {} : { products: products.map(productOf) }),
    ...(Object.keys(order).length === 0 ? {} : { ecommerce: order }),
  };
}

/** `[{ key, value: { string_value | int_value | float_value | double_value } }]` as names and values. */
export function paramsOf(params: Json | undefined): JsonObject {
  const found: [string, Json][] = [];
  for (const param of Array.isArray(params) ? (params as readonly Json[]) : []) {
    if (!isObject(param) || typeof param.key !== "string" || !isObject(param.value)) continue;
    const value = paramValue(param.value);
    // A name that is there twice keeps its first value.
    if (value !== null && !found.some(([key]) => key === param.key)) found.push([param.key, value]);
  }
  return Object.fromEntries(found);
}

function paramValue(value: JsonObject): Json {
  if (!isNothing(value.string_value)) return value.string_value ?? null;
  for (const kind of ["int_value", "double_value", "float_value"]) {
    const number = value[kind];
    if (!isNothing(number)) return numberOf(number ?? null);
  }
  return null;
}

const mended = (values: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined || isNothing(value)
        ? []
        : [[name, name === "transaction_id" ? value : numberOf(value)]],
    ),
  );

/** Where Segment's context has a place for it. */
function contextOf(
  row: JsonObject,
  { page_location, page_title, page_referrer }: JsonObject,
): JsonObject {
  const { device, geo, traffic_source: source, app_info: app } = row;
  const part = (value: Json | undefined, names: Readonly<Record<string, string>>): JsonObject => {
    if (!isObject(value)) return {};
    const pairs = Object.entries(names).map(([to, from]) => [to, value[from] ?? null] as const);
    return Object.fromEntries(pairs.filter(([, found]) => !isNothing(found)));
  };
  return withoutEmpty({
    device: part(device, {
      type: "category",
      manufacturer: "mobile_brand_name",
      model: "mobile_model_name",
    }),
    os: part(device, { name: "operating_system", version: "operating_system_version" }),
    location: part(geo, {
      country: "country",
      region: "region",
      city: "city",
      continent: "continent",
    }),
    campaign: part(source, { name: "name", medium: "medium", source: "source" }),
    app: part(app, { namespace: "id", version: "version" }),
    page: withoutNulls({
      url: page_location ?? null,
      title: page_title ?? null,
      referrer: page_referrer ?? null,
    }),
    traits: paramsOf(row.user_properties),
    ...(isObject(device) && typeof device.language === "string" ? { locale: device.language } : {}),
  });
}

/** Parts of a context that say nothing are not kept. */
export function withoutEmpty(context: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(context).filter(([, part]) => !isObject(part) || Object.keys(part).length > 0),
  );
}
