/**
 * A small database in MaxMind's format (version 2.0 of its specification), written from nothing: a search tree of
 * 24-bit records over IPv4, a data section and its metadata.
 */
export interface Network {
  /** Such as `203.0.113.0/24`. */
  readonly network: string;
  readonly record: unknown;
}

type Node = [left: Node | number | null, right: Node | number | null];

export function mmdb(networks: readonly Network[], buildEpoch: number): Buffer {
  const data = networks.map(({ record }) => encode(record));
  const root: Node = [null, null];
  for (const [index, { network }] of networks.entries()) put(root, network, index);
  const nodes = flatten(root);
  const offsets = data.map((_, at) => sum(data.slice(0, at)));
  const tree = Buffer.concat(
    nodes.map((node) => Buffer.concat(node.map((side) => u24(recordOf(side, nodes, offsets))))),
  );
  const metadata = {
    node_count: new Uint32(nodes.length),
    record_size: new Uint16(24),
    ip_version: new Uint16(4),
    database_type: "Test",
    languages: ["en"],
    binary_format_major_version: new Uint16(2),
    binary_format_minor_version: new Uint16(0),
    build_epoch: new Uint64(buildEpoch),
    description: { en: "made by a test" },
  };
  const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, encode(metadata)]);
}

class Uint16 extends Number {}
class Uint32 extends Number {}
class Uint64 extends Number {}

function put(root: Node, network: string, index: number): void {
  const [address = "", length = "32"] = network.split("/");
  const bits = address
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("")
    .slice(0, Number(length));
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const side = Number(bit);
    const next: Node = Array.isArray(node[side]) ? (node[side] as Node) : [null, null];
    node[side] = next;
    node = next;
  }
  node[Number(bits.at(-1))] = index;
}

function flatten(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) for (const side of node) if (Array.isArray(side)) nodes.push(side);
  return nodes;
}

/** A node's number, the number of nodes for "nothing", or past it and the separator the place of the data. */
function recordOf(side: Node[0], nodes: readonly Node[], offsets: readonly number[]): number {
  if (side === null) return nodes.length;
  return Array.isArray(side) ? nodes.indexOf(side) : nodes.length + 16 + (offsets[side] ?? 0);
}

function encode(value: unknown): Buffer {
  if (value instanceof Uint16) return unsigned(5, Number(value), 2);
  if (value instanceof Uint32) return unsigned(6, Number(value), 4);
  if (value instanceof Uint64) return unsigned(9, Number(value), 8);
  if (typeof value === "string")
    return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "number") {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return Buffer.concat([control(3, 8), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)]);
  const entries = Object.entries(value as object);
  return Buffer.concat([control(7, entries.length), ...entries.flat().map(encode)]);
}

function unsigned(type: number, value: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return Buffer.concat([control(type, size), bytes.subarray(8 - size)]);
}

/** Types beyond 7 are written as 0 with the rest in the next byte; sizes from 29 on take another byte. */
function control(type: number, size: number): Buffer {
  const head = size < 29 ? size : 29;
  const bytes = type > 7 ? [head, type - 7] : [(type << 5) | head];
  return Buffer.from(size < 29 ? bytes : [...bytes, size - 29]);
}

function u24(value: number): Buffer {
  return Buffer.from([value >> 16, (value >> 8) & 255, value & 255]);
}

function sum(parts: readonly Buffer[]): number {
  return parts.reduce((total, { length }) => total + length, 0);
}
