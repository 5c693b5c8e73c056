import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../src/adapters/log/payload/byte-writer.ts";
import { compactFormats, eventCodec } from "../../src/adapters/log/payload/codec.ts";
import { readEvent, writeEvent } from "../../src/adapters/log/payload/event-payload.ts";
import type { Layout } from "../../src/adapters/log/payload/layout.ts";
import { schemaText } from "../../src/adapters/log/payload/schema-text.ts";
import type { EventRecord } from "../../src/core/record.ts";
import { judgeOf } from "./payload-judge.ts";

type Golden = Pick<EventRecord, "key" | "event"> & {
  readonly avro: string;
  readonly protobuf: string;
};

/** What any version of the log reads, and what version 1 of a layout writes: these bytes never change. */
const spec = JSON.parse(
  readFileSync(new URL("../../../../spec/log/events.json", import.meta.url), "utf8"),
) as {
  readonly schemaId: number;
  readonly layout: Layout;
  readonly schemas: { readonly avro: object; readonly protobuf: readonly string[] };
  readonly records: readonly Golden[];
};

describe.each(compactFormats)("golden vectors in %s", (format) => {
  const schema = { id: spec.schemaId, codec: eventCodec(format, spec.layout) };

  it.each(spec.records.map((golden, index) => [index, golden] as const))(
    "event %i is written and read as it always was",
    (_, golden) => {
      const { key, event } = golden;
      const out = new ByteWriter(16);
      expect(writeEvent(out, { kind: "event", partition: 0, at: 0, key, event }, schema)).toBe(
        true,
      );
      expect(out.buffer.toString("hex", 0, out.at)).toBe(golden[format]);
      const batch = Buffer.from(golden[format], "hex");
      const bytes = { batch, at: 0, end: batch.length, format };
      expect(JSON.stringify(readEvent(bytes, () => schema))).toBe(JSON.stringify({ key, event }));
      const judge = judgeOf(format, spec.layout);
      expect(judge(batch.subarray(format === "avro" ? 5 : 6))).toEqual(event);
    },
  );

  it("the schema has the same text", () => {
    const text = schemaText(format, spec.layout);
    if (format === "avro") expect(JSON.parse(text)).toEqual(spec.schemas.avro);
    else expect(text.split("\n")).toEqual(spec.schemas.protobuf);
  });
});
