/** Events declared by schemas, and one that has come in three versions. */
import {
  avroSchema,
  compute,
  count,
  definePlan,
  drop,
  earlier,
  eq,
  event,
  jsonSchema,
  last,
  multiply,
  property,
  protobufSchema,
  rename,
  setDefault,
  sum,
  upCast,
} from "freshet/plan";

// snippet: json
const opened = event(
  "Email Opened",
  jsonSchema({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      campaign: { type: "string", pattern: "^[a-z0-9-]+$" },
      client: { enum: ["web", "phone", "desktop"] },
      links: { type: "array", items: { type: "string", format: "uri" } },
    },
    required: ["campaign"],
  }),
);
const onPhones = opened.where(eq(opened.prop.client, "phone"));
// end snippet

// snippet: avro
const moved = event(
  "Device Moved",
  avroSchema({
    type: "record",
    name: "DeviceMoved",
    fields: [
      { name: "device", type: "string" },
      { name: "speed", type: ["null", "double"], default: null },
      { name: "mode", type: { type: "enum", name: "Mode", symbols: ["walk", "ride"] } },
    ],
  }),
);
// end snippet

// snippet: protobuf
const shipped = event(
  "Shipped",
  protobufSchema<{ carrier: string; parcels: number }>(
    `syntax = "proto3";
     package shop;
     message Shipped {
       string carrier = 1;
       int32 parcels = 2;
     }`,
    { message: "shop.Shipped" },
  ),
);
// end snippet

// snippet: versions
const paid = event(
  "Paid",
  { total: "number", currency: "string", place: "object?" },
  {
    version: 3,
    earlier: [
      earlier(1, { price: "number", quantity: "integer" }, ({ price, quantity }) => [
        compute("total", multiply(price, quantity)),
        drop("price"),
        drop("quantity"),
      ]),
      earlier(2, { total: "number", country: "string?" }, [
        rename("country", "place.country"),
        upCast("guessCurrency", ({ properties }) => {
          const { place } = properties as { readonly place?: { readonly country?: string } };
          return place?.country === "US" ? { ...properties, currency: "USD" } : properties;
        }),
        setDefault("currency", "EUR"),
      ]),
    ],
  },
);
const spend = sum("spend", paid, paid.prop.total);
const country = last("country", paid, property("place.country"));
// end snippet

export default definePlan({
  name: "contracts",
  events: [opened, moved, shipped, paid],
  features: [
    count("opens", opened),
    count("opensOnPhones", onPhones),
    last("mode", moved, moved.prop.mode),
    sum("parcels", shipped, shipped.prop.parcels),
    spend,
    country,
    count("dollars", paid.where(eq(paid.prop.currency, "USD"))),
  ],
});
