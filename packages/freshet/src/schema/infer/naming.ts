/** "Order Completed" is `OrderCompleted`: a name that every language takes, told apart from those before it. */
export function typeName(text: string, taken: Set<string>): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  const name = (/^[A-Z]/.test(joined) ? joined : `Event${joined}`).slice(0, nameCharsMax);
  return unique(name, taken);
}

const nameCharsMax = 60;

export function fieldName(text: string, taken: Set<string>): string {
  const plain = text.replace(/[^A-Za-z0-9_]+/g, "_");
  return unique(/^[A-Za-z]/.test(plain) ? plain : `field_${plain}`, taken);
}

export const isFieldName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);

function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${name}${number}`;
  taken.add(free.toLowerCase());
  return free;
}
