import { isIPv4, isIPv6 } from "node:net";

/**
 * An address without what tells one household from another: the last 8 of 32 bits, or all but the first 48 of 128.
 * Undefined for what is no address: it cannot be masked, so it must not be kept.
 */
export function maskAddress(address: string): string | undefined {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf("."))}.0`;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return maskAddress(mapped);
  if (!isIPv6(address)) return undefined;
  const kept = firstGroups(address).map((group) => Number.parseInt(group, 16).toString(16));
  while (kept.at(-1) === "0") kept.pop();
  return `${kept.join(":")}::`;
}

/** The first three groups of a valid IPv6 address, those that `::` stands for among them. */
function firstGroups(address: string): readonly string[] {
  const [head = "", tail] = address.split("%", 1).join("").split("::");
  const before = head === "" ? [] : head.split(":");
  if (tail === undefined) return before.slice(0, 3);
  const after = tail === "" ? [] : tail.split(":");
  // An IPv4 address at the end stands for two groups.
  const groups = after.length + (tail.includes(".") ? 1 : 0);
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - groups) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 3);
}
