import type { Json } from "@freshet/protocol";

/** In Unicode mode a surrogate matches only where it stands alone. */
const loneSurrogate = /\p{Surrogate}/u;

/** The text with lone surrogates replaced by U+FFFD: they have no UTF-8 form, so a store would change them. */
export function wellFormed(text: string): string {
  return loneSurrogate.test(text) ? Buffer.from(text).toString() : text;
}

/** Of the usual alphabet, with its padding. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/**
 * JSON of a value nested to any depth, cut after about `charsMax` characters. `JSON.stringify` recurses and
 * throws on what a hostile client can nest within one request.
 */
export function jsonText(value: Json, charsMax: number): string {
  const pending: ({ readonly text: string } | { readonly value: Json })[] = [{ value }];
  let written = "";
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ("text" in next) written += next.text;
    else if (next.value === null || typeof next.value !== "object")
      written += scalarText(next.value);
    else pushContainer(pending, next.value);
    if (written.length > charsMax) return wellFormed(written.slice(0, charsMax));
  }
  return written;
}

function scalarText(value: null | boolean | number | string): string {
  return JSON.stringify(value);
}

/** Pushes the parts of a container backwards, since they are taken from the end. */
function pushContainer(
  pending: ({ readonly text: string } | { readonly value: Json })[],
  container: Exclude<Json, null | boolean | number | string>,
): void {
  const list = Array.isArray(container);
  const entries: [string, Json | undefined][] = Object.entries(container);
  pending.push({ text: list ? "]" : "}" });
  for (let at = entries.length - 1; at >= 0; at--) {
    const [key, value] = entries[at] ?? ["", null];
    pending.push({ value: value ?? null });
    const separator = at === 0 ? "" : ",";
    pending.push({ text: list ? separator : `${separator}${JSON.stringify(key)}:` });
  }
  pending.push({ text: list ? "[" : "{" });
}
