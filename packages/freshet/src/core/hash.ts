/**
 * Hashes of texts. All of them work on the text's UTF-8 bytes, so that another language gives the same
 * numbers; a lone surrogate counts as U+FFFD, as encoders write it. None is meant to withstand an attacker.
 *
 * `bytes` is scratch space: it holds one text while one function runs, and nothing outside sees it.
 */
let bytes = new Uint8Array(1024);

/** MurmurHash3 x86 128 (Austin Appleby, public domain) as four unsigned 32-bit words. */
export function hash128(text: string): [number, number, number, number] {
  hash128Into(text, words, 0, 0);
  return [words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0];
}

/** 53 bits of `hash128`: an integer in [0, 2^53), which a double holds exactly. */
export function hash53(text: string): number {
  hash128Into(text, words, 0, 0);
  return ((words[0] ?? 0) & 0x1fffff) * 0x1_0000_0000 + (words[1] ?? 0);
}

/** `hash128` as 32 hexadecimal digits: ids of effects and sessions. */
export function hashHex(text: string): string {
  hash128Into(text, words, 0, 0);
  let hex = "";
  for (let i = 0; i < 4; i++) hex += (words[i] ?? 0).toString(16).padStart(8, "0");
  return hex;
}

/**
 * The hash of Kafka's default partitioner, made positive as Kafka does it: a key's partition is
 * `murmur2(key) % partitions`, in every engine and client.
 */
export function murmur2(text: string): number {
  return murmur2Signed(text) & 0x7fffffff;
}

const words = new Uint32Array(4);
const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

/** Writes the four words of MurmurHash3 x86 128 to `target[offset..offset + 3]`. */
export function hash128Into(text: string, target: Uint32Array, offset: number, seed: number): void {
  const length = encode(text);
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  const tail = length & ~15;
  for (let i = 0; i < tail; i += 16) {
    h1 = rotate(h1 ^ mix(word(i), c1, 15, c2), 19) + h2;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    h2 = rotate(h2 ^ mix(word(i + 4), c2, 16, c3), 17) + h3;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    h3 = rotate(h3 ^ mix(word(i + 8), c3, 17, c4), 15) + h4;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    h4 = rotate(h4 ^ mix(word(i + 12), c4, 18, c1), 13) + h1;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
  }
  // `encode` pads with zeros, and a zero word mixes to zero, so that the tail needs no case for its length.
  h1 ^= mix(word(tail), c1, 15, c2) ^ length;
  h2 ^= mix(word(tail + 4), c2, 16, c3) ^ length;
  h3 ^= mix(word(tail + 8), c3, 17, c4) ^ length;
  h4 ^= mix(word(tail + 12), c4, 18, c1) ^ length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finish(h2 + h1);
  h3 = finish(h3 + h1);
  h4 = finish(h4 + h1);
  h1 = (finish(h1) + h2 + h3 + h4) | 0;
  target[offset] = h1;
  target[offset + 1] = h2 + h1;
  target[offset + 2] = h3 + h1;
  target[offset + 3] = h4 + h1;
}

/** MurmurHash2 as `org.apache.kafka.common.utils.Utils.murmur2` has it, a signed 32-bit integer. */
export function murmur2Signed(text: string): number {
  const length = encode(text);
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  const tail = length & ~3;
  for (let i = 0; i < tail; i += 4) {
    let k = Math.imul(word(i), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  if (tail < length) h = Math.imul(h ^ word(tail), m);
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}

function mix(k: number, before: number, bits: number, after: number): number {
  return Math.imul(rotate(Math.imul(k, before), bits), after);
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function finish(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Little-endian word at a byte position. */
function word(at: number): number {
  const b = bytes;
  return (
    (b[at] as number) |
    ((b[at + 1] as number) << 8) |
    ((b[at + 2] as number) << 16) |
    ((b[at + 3] as number) << 24)
  );
}

/** Fills `bytes` with the text in UTF-8 and 16 zeros behind it; returns the length without the zeros. */
function encode(text: string): number {
  const most = text.length * 3 + 16;
  if (most > bytes.length) bytes = new Uint8Array(most * 2);
  const target = bytes;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) target[length++] = unit;
    else {
      const code = text.codePointAt(i) as number;
      if (code > 0xffff) i++;
      length = encodeWide(code, target, length);
    }
  }
  for (let i = 0; i < 16; i++) target[length + i] = 0;
  return length;
}

function encodeWide(point: number, target: Uint8Array, start: number): number {
  const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
  let at = start;
  if (code < 0x800) target[at++] = 0xc0 | (code >> 6);
  else {
    if (code < 0x10000) target[at++] = 0xe0 | (code >> 12);
    else {
      target[at++] = 0xf0 | (code >> 18);
      target[at++] = 0x80 | ((code >> 12) & 63);
    }
    target[at++] = 0x80 | ((code >> 6) & 63);
  }
  target[at++] = 0x80 | (code & 63);
  return at;
}
