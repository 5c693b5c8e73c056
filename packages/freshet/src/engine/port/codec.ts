/**
 * Turns packed state into bytes and back. Strict: what would not come back the same (undefined, NaN, -0, dates,
 * shared references) is refused with an error that names the path, never written.
 */
export interface StateCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
  /**
   * What `encode` gives, as a text of one character a byte. States are held by the hundred thousand, and texts are the
   * bytes that a heap takes for one small thing; arrays of bytes are three things and some memory outside of it.
   */
  encodeText(value: unknown): string;
  /** Only of what `encodeText` and `textOf` gave. */
  decodeText(text: string): unknown;
  bytesOf(text: string): Uint8Array;
  /** Of what this process encoded. */
  textOf(bytes: Uint8Array): string;
  /** Called when no bytes that it gave are needed any more: their memory may be written over. */
  recycle(): void;
}
