import { Unpackr } from "msgpackr";
import { assertPlainStrict, deepEqualPlain } from "../../core/codec.ts";
import type { StateCodec } from "../../engine/port/codec.ts";
import { createPlainDecoder } from "./decoder.ts";
import { createPlainEncoder } from "./encoder.ts";

/**
 * State as MessagePack. Everything is packed by position, so plain arrays are compact without shared structures,
 * and a value written by one process can be read by any other.
 */
export function msgpackCodec(): StateCodec {
  const encoder = createPlainEncoder();
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  return {
    ...encoder,
    decode: (bytes) => unpackr.unpack(bytes) as unknown,
    decodeText: createPlainDecoder(),
    textOf: ({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength).toString("latin1"),
  };
}

/** For tests: also refuses shared references, and proves for every value that it comes back the same. */
export function strictMsgpackCodec(): StateCodec {
  const codec = msgpackCodec();
  const check = (value: unknown, back: unknown) => {
    if (!deepEqualPlain(back, value))
      throw new Error("the state does not come back from the codec as it was");
  };
  return {
    ...codec,
    encode(value) {
      assertPlainStrict(value);
      const bytes = codec.encode(value);
      check(value, codec.decode(bytes));
      return bytes;
    },
    encodeText(value) {
      assertPlainStrict(value);
      const text = codec.encodeText(value);
      check(value, codec.decodeText(text));
      return text;
    },
  };
}

/** Texts as UTF-8. */
export const utf8 = {
  encode: (text: string): Uint8Array => Buffer.from(text, "utf8"),
  decode: (bytes: Uint8Array): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
};
