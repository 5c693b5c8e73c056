import type { StateCodec } from "../../engine/port/codec.ts";
import type { StateStore } from "../../engine/port/state-store.ts";
import type { OutsideLedger } from "./ledger.ts";

/** The store at rest: its timer index has one entry for each key that has a timer, not after it, and no other. */
export function judgeStore(options: {
  readonly store: StateStore;
  readonly codec: StateCodec;
  readonly ledger: OutsideLedger;
}): void {
  const { store, codec, ledger } = options;
  const wanted: string[] = [];
  for (const [key, bytes] of store.scan("state", {})) {
    if (key.startsWith("entity:")) continue;
    const [, packed, indexed] = codec.decode(bytes) as readonly [
      number,
      readonly unknown[],
      number | null,
    ];
    const timer = packed[6] as number | null;
    if ((timer === null) !== (indexed === null) || (indexed ?? 0) > (timer ?? 0))
      ledger.fault(`P2 the entry of "${key}" is at ${indexed}, and its timer at ${timer}`);
    if (indexed !== null) wanted.push(`${indexed.toString(16).padStart(14, "0")}/${key}`);
  }
  const found = [...store.scan("timer", {})].map(([key]) => key);
  if (JSON.stringify(wanted.sort()) !== JSON.stringify(found.sort()))
    ledger.fault(`P2 the store's timers are ${found.length} and should be ${wanted.length}`);
}
