/**
 * Turns packed state into bytes and back. Strict: what would not come back the same (undefined, NaN, -0, dates,
 * shared references) is refused with an error that names the path, never written.
 */
export interface StateCodec {
  encode(value: unknown): Uint8Array;
  /** Called when nothing that was encoded before is needed any more: its memory may be written over. */
  recycle(): void;
  decode(bytes: Uint8Array): unknown;
}
