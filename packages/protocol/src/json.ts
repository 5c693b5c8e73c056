/**
 * What `JSON.parse` has to give. V8 from 12.8 on (Node 24 and 26) may take a key that is written with an escape for
 * another key, one that begins with a backslash and that an object of the same shape had before: `{"a":1,"\n":2}` becomes
 * `{"a":1,"\\":2}` once `{"a":1,"\\":2}` was read (https://github.com/nodejs/node/issues/63785).
 *
 * - J1 the value that the text stands for, keys in its order and the last of equal ones, whatever was read before.
 * - J2 a `SyntaxError`, with the engine's own message, where the text is no JSON.
 *
 * A text without an escape in a key, which is nearly every one, costs a search for a backslash on top.
 */
export function readJson(text: string): unknown {
  return hasEscapedKey(text) ? parseEscaped(text) : JSON.parse(text);
}

/**
 * `readJson` of a text that many share: undefined where a key has an escape, so that the caller reads each part by itself
 * and only the one that has it takes longer.
 */
export function readPlainJson(text: string): unknown {
  return hasEscapedKey(text) ? undefined : JSON.parse(text);
}

/** `readJson` with a reviver as `JSON.parse` takes one, called without a `this`. */
export function reviveJson(
  text: string,
  reviver: (key: string, value: unknown) => unknown,
): unknown {
  if (!hasEscapedKey(text)) return JSON.parse(text, reviver);
  const revive = (holder: Holder, key: string): unknown => {
    const value = holder[key];
    if (isHolder(value))
      for (const inner of Object.keys(value)) {
        const made = revive(value, inner);
        if (made === undefined) delete value[inner];
        else value[inner] = made;
      }
    return reviver(key, value);
  };
  return revive({ "": parseEscaped(text) }, "");
}

type Holder = Record<string, unknown>;

const isHolder = (value: unknown): value is Holder => typeof value === "object" && value !== null;

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a];

/** A backslash is only ever inside a text, so the rest of it decides. */
function hasEscapedKey(text: string): boolean {
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", at)) {
    at = endOfText(text, at);
    if (isKey(text, at)) return true;
  }
  return false;
}

/** The place behind the quote that ends the text which `at` is in. */
function endOfText(text: string, at: number): number {
  for (let index = at; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) return index + 1;
    if (code === backslash) index++;
  }
  return text.length;
}

/** Whether the text that ends before `at` is followed by a colon. */
function isKey(text: string, at: number): boolean {
  for (let index = at; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === colon) return true;
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return false;
  }
  return false;
}

/** Has the engine read the same with keys that need no escape, and gives them back their names. */
function parseEscaped(text: string): unknown {
  try {
    return named(JSON.parse(withPlainKeys(text)));
  } catch (error) {
    // Its message would show the plain keys.
    JSON.parse(text);
    throw error;
  }
}

function withPlainKeys(text: string): string {
  const pieces: string[] = [];
  let copied = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at)) {
    const end = endOfText(text, at + 1);
    if (isKey(text, end)) {
      pieces.push(text.slice(copied, at), `"${plainKey(JSON.parse(text.slice(at, end)))}"`);
      copied = end;
    }
    at = end;
  }
  pieces.push(text.slice(copied));
  return pieces.join("");
}

/** The letter keeps it from being a number, which objects would put first. */
function plainKey(key: string): string {
  let plain = "k";
  for (let index = 0; index < key.length; index++)
    plain += key.charCodeAt(index).toString(16).padStart(4, "0");
  return plain;
}

function keyOf(plain: string): string {
  let key = "";
  for (let index = 1; index < plain.length; index += 4)
    key += String.fromCharCode(Number.parseInt(plain.slice(index, index + 4), 16));
  return key;
}

/** In a loop, since a text may be nested as deep as it is long. */
function named(value: unknown): unknown {
  const root: Holder = { value };
  const open: Holder[] = [root];
  for (let holder = open.pop(); holder !== undefined; holder = open.pop())
    for (const key of Object.keys(holder)) {
      const child = holder[key];
      if (!isHolder(child)) continue;
      const made = Array.isArray(child)
        ? (child as unknown as Holder)
        : Object.fromEntries(Object.entries(child).map(([plain, inner]) => [keyOf(plain), inner]));
      holder[key] = made;
      open.push(made);
    }
  return root["value"];
}
