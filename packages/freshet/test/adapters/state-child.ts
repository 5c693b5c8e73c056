/**
 * Run as a process of its own: commits the same 500 keys without end, each time with the next number, and prints
 * the number once its commit has resolved, until it is killed.
 */
import { writeSync } from "node:fs";
import { openLmdbState } from "../../src/adapters/state/lmdb.ts";

const store = await openLmdbState({ folder: process.argv[2] ?? "", runBytesMin: 1_000_000 });
const before = store.get("state", "key0");
let number = before === undefined ? 0 : Buffer.from(before).readDoubleLE();
for (;;) {
  number += 1;
  const value = Buffer.alloc(600);
  value.writeDoubleLE(number);
  const keys = Array.from({ length: 500 }, (_, index) => `key${index}`);
  const changes = keys.map((key) => ({ table: "state" as const, key, value }));
  store.stage(changes.slice(0, 300));
  await store.commit(changes.slice(300));
  writeSync(1, `${number}\n`);
}
