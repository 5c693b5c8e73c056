/**
 * Turns packed state into bytes and back. Strict: what would not come back the same (undefined, NaN, -0, dates,
 * shared references) is refused with an error that names the path, never written.
 */
export interface StateCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}
