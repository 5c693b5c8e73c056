import { Unpackr } from "msgpackr";
import { assertPlainStrict, deepEqualPlain } from "../../core/codec.ts";
import type { StateCodec } from "../../engine/port/codec.ts";
import { createPlainEncoder } from "./encoder.ts";

/**
 * State as MessagePack. Everything is packed by position, so plain arrays are compact without shared structures,
 * and a value written by one process can be read by any other.
 */
export function msgpackCodec(): StateCodec {
  const encoder = createPlainEncoder();
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  return {
    encode: encoder.encode,
    recycle: encoder.recycle,
    decode: (bytes) => unpackr.unpack(bytes) as unknown,
  };
}

/** For tests: also refuses shared references, and proves for every value that it comes back the same. */
export function strictMsgpackCodec(): StateCodec {
  const codec = msgpackCodec();
  return {
    encode(value) {
      assertPlainStrict(value);
      const bytes = codec.encode(value);
      if (!deepEqualPlain(codec.decode(bytes), value))
        throw new Error("the state does not come back from the codec as it was");
      return bytes;
    },
    decode: codec.decode,
    recycle: codec.recycle,
  };
}

/** Texts as UTF-8. */
export const utf8 = {
  encode: (text: string): Uint8Array => Buffer.from(text, "utf8"),
  decode: (bytes: Uint8Array): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
};
