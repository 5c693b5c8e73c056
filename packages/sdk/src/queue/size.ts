/** Of the language's every home, but not of the language. */
declare const TextEncoder: new () => { encode(text: string): { readonly length: number } };

/** Bytes of a text as UTF-8. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
