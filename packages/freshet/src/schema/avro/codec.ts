import { FreshetError, type Json } from "@freshet/protocol";
import { schemaBytes, schemaValue } from "../error.ts";
import type { SchemaCodec, ValueIssue } from "../schema.ts";
import { avroReader } from "./read.ts";
import type { AvroSchema } from "./schema.ts";
import { Sink, Source } from "./sink.ts";
import { avroWriter } from "./write.ts";

/** One value is coded at a time, whatever its schema. */
const sink = new Sink();

/** Codes values of a schema; what is decoded was written by `writer`, which may be another version. */
export function avroCodec(schema: AvroSchema, writer: AvroSchema = schema): SchemaCodec {
  const own = avroWriter(schema.root);
  const read = avroReader(writer.root, schema.root);
  const explain = (value: Json): readonly ValueIssue[] => {
    const issues: ValueIssue[] = [];
    own.explain(value, "", issues);
    return issues;
  };
  return {
    validate: (value) => own.accepts(value),
    explain,
    encode(value) {
      if (!own.accepts(value))
        throw schemaValue(explain(value)[0] ?? { path: "", message: "is not of the schema" });
      sink.reset();
      own.write(sink, value);
      return sink.take();
    },
    decode(bytes, meter) {
      const source = new Source(bytes);
      try {
        const value = read(source);
        source.end();
        return value;
      } catch (error) {
        if (error instanceof FreshetError) throw error;
        throw schemaBytes("the payload is not of the schema", error);
      } finally {
        if (meter !== undefined) meter.items += source.items;
      }
    },
  };
}
