import { describe, expect, it } from "vitest";
import {
  descriptorOf,
  isDescriptor,
  textOfDescriptor,
} from "../../src/schema/protobuf/descriptor.ts";
import { parseProtobuf } from "../../src/schema/protobuf/parse.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";

const money = {
  name: "common.proto",
  text: 'syntax = "proto3"; package common; message Money { int64 cents = 1; }',
};
const text = `syntax = "proto3";
package shop.v1;
import "common.proto";
import "google/protobuf/timestamp.proto";
enum Color { RED = 0; BLUE = 1; }
message Order {
  string id = 1;
  optional int32 count = 2;
  repeated double prices = 3;
  map<string, Item> items = 4;
  map<string, Color> my_colors = 14;
  oneof pay { string card = 5; bool cash = 6; }
  google.protobuf.Timestamp at = 7;
  common.Money total = 8;
  Color color = 9;
  message Item { string sku = 1; Color color = 2; }
  reserved 20 to 30;
  reserved "old";
  string my_name = 10 [json_name = "renamed"];
}
message Second { Order order = 1; Order.Item item = 2; }
`;

describe("a schema as a descriptor", () => {
  it("comes back as a file that means the same", () => {
    const parsed = parseProtobuf(text, [money]);
    const descriptor = descriptorOf(parsed);
    expect(isDescriptor(descriptor)).toBe(true);
    expect(isDescriptor(text)).toBe(false);
    const made = textOfDescriptor(descriptor);
    const again = parseProtobuf(made, [money]);
    for (const name of ["Order", "Order.Item", "Second"])
      expect(shapeOf(again, name), name).toEqual(shapeOf(parsed, name));
    // A second time nothing changes any more.
    expect(textOfDescriptor(descriptorOf(again))).toBe(made);
    expect(made).toContain('string my_name = 10 [json_name = "renamed"];');
    expect(made).toContain("optional int32 count = 2;");
  });

  it("keeps whole names where a nested type has the short one", () => {
    const shadowed = `syntax = "proto3";
package a;
message Item { string x = 1; }
message Order { message Item { int32 y = 1; } .a.Item outer = 1; Item inner = 2; }
`;
    const parsed = parseProtobuf(shadowed, []);
    const again = parseProtobuf(textOfDescriptor(descriptorOf(parsed)), []);
    expect(shapeOf(again, "Order")).toEqual(shapeOf(parsed, "Order"));
    expect(shapeOf(again, "Order")).toMatchObject([{ type: ".a.Item" }, { type: ".a.Order.Item" }]);
  });

  it("is refused where the bytes are of something else, in bounded time", () =>
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      const good = Buffer.from(descriptorOf(parseProtobuf(text, [money])), "base64");
      for (let round = 0; round < 500; round++) {
        const bytes = Buffer.from(good.subarray(0, 1 + random.below(good.length)));
        for (let n = 0; n < 1 + random.below(4); n++)
          bytes[random.below(bytes.length)] = random.below(256);
        try {
          parseProtobuf(textOfDescriptor(bytes.toString("base64")), [money]);
        } catch (error) {
          expect(error, bytes.toString("base64")).toMatchObject({ code: "schemaInvalid" });
        }
      }
      for (const wrong of ["AAAA", "x", Buffer.alloc(10_000, 0x1a).toString("base64")])
        expect(() => textOfDescriptor(wrong)).toThrow("no descriptor of a file");
    }));
});

function shapeOf(schema: ReturnType<typeof parseProtobuf>, name: string): unknown {
  const type = schema.root.lookupType(`${schema.package}.${name}`);
  return type.fieldsArray
    .map((field) => ({
      name: field.name,
      id: field.id,
      type: field.resolvedType?.fullName ?? field.type,
      repeated: field.repeated,
      oneof: field.partOf?.name ?? null,
    }))
    .sort((a, b) => a.id - b.id);
}
