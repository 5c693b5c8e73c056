/**
 * Names for a schema from texts that may be anything: letters, digits and underscores, no two of them alike. Case and
 * underscores do not tell names apart, since Protobuf's JSON leaves them out.
 */
export function nameGiver(): (text: string) => string {
  const taken = new Set<string>();
  return (text) => {
    const plain = text.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, "") || "field";
    const name = /^[0-9]/.test(plain) ? `n${plain}` : plain;
    let unique = name;
    for (let number = 2; taken.has(keyOf(unique)); number++) unique = `${name}_${number}`;
    taken.add(keyOf(unique));
    return unique;
  };
}

function keyOf(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** As a type is called. */
export function typeName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9]+/g, " ")
    .trim()
    .split(" ")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
