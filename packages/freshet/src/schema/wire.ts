import { schemaBytes } from "./error.ts";

/** The registry's frame: a byte of zero, the schema's id in four bytes, and the payload. */
export interface Framed {
  readonly schemaId: number;
  readonly payload: Uint8Array;
}

const headBytes = 5;
const idMax = 0xffff_ffff;

/** For Protobuf the payload begins with the message indexes. */
export function frame(schemaId: number, payload: Uint8Array): Uint8Array {
  if (!Number.isInteger(schemaId) || schemaId < 0 || schemaId > idMax)
    throw new RangeError(`the schema id ${schemaId} does not fit four bytes`);
  const bytes = new Uint8Array(headBytes + payload.length);
  new DataView(bytes.buffer).setUint32(1, schemaId);
  bytes.set(payload, headBytes);
  return bytes;
}

/** Whether bytes look framed; a JSON text or an Avro record of text never begins with a zero, an Avro zero may. */
export function isFramed(bytes: Uint8Array): boolean {
  return bytes.length >= headBytes && bytes[0] === 0;
}

export function unframe(bytes: Uint8Array): Framed {
  if (bytes.length < headBytes)
    throw schemaBytes(
      `the payload is ${bytes.length} bytes, expected a zero and a schema id first`,
    );
  if (bytes[0] !== 0)
    throw schemaBytes(`the payload begins with the byte ${bytes[0]}, expected 0 and a schema id`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { schemaId: view.getUint32(1), payload: bytes.subarray(headBytes) };
}
