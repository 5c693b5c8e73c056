/** One order in three languages, and its next version in Avro. */
export const order = { id: "o1", total: 12.5, items: ["p1", "p2"] };

const fields = [
  { name: "id", type: "string" },
  { name: "total", type: "double" },
  { name: "items", type: { type: "array", items: "string" } },
];
const record = { type: "record", name: "Order", namespace: "shop" };
export const avroText = JSON.stringify({ ...record, fields });
export const orderWithNote = JSON.stringify({
  ...record,
  fields: [...fields, { name: "note", type: "string", default: "" }],
});

export const jsonText = JSON.stringify({
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Order",
  type: "object",
  properties: {
    id: { type: "string" },
    total: { type: "number" },
    items: { type: "array", items: { type: "string" } },
  },
  required: ["id", "total"],
});

export const protoName = "shop.Order";
export const orderProto = `syntax = "proto3";
package shop;
message Order {
  string id = 1;
  double total = 2;
  repeated string items = 3;
}
`;
/** The same as a compiler of Protobuf makes it, in JSON. */
export const orderFile = {
  name: "shop/order.proto",
  package: "shop",
  syntax: "proto3",
  messageType: [
    {
      name: "Order",
      field: [
        { name: "id", number: 1, label: "LABEL_OPTIONAL", type: "TYPE_STRING" },
        { name: "total", number: 2, label: "LABEL_OPTIONAL", type: "TYPE_DOUBLE" },
        { name: "items", number: 3, label: "LABEL_REPEATED", type: "TYPE_STRING" },
      ],
    },
  ],
};
