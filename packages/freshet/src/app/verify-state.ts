import { readJson } from "@freshet/protocol";
import { msgpackCodec, utf8 } from "../adapters/codec/msgpack.ts";
import { assertPlainStrict } from "../core/codec.ts";
import type { SendEffect } from "../core/effect.ts";
import { type Packed, unpackProfile } from "../core/pack.ts";
import { never } from "../core/profile.ts";
import type { Meta } from "../engine/meta.ts";
import type { StateStore } from "../engine/port/state-store.ts";
import { isEntityKey, timerKey } from "../engine/store-key.ts";
import type { Finding } from "./doctor.ts";
import { checkLetters } from "./verify-letters.ts";

const bug = "this is a bug: keep the folder and report it";
const rebuild = "stop the server and build the state again: freshet replay --apply";

/** Gathers what is wrong by kind, so that a thousand broken states are one line. */
class Faults {
  readonly #found = new Map<string, { count: number; example: string; advice: string }>();

  add(what: string, example: string, advice: string): void {
    const known = this.#found.get(what);
    if (known === undefined) this.#found.set(what, { count: 1, example, advice });
    else known.count++;
  }

  findings(area: string): Finding[] {
    return [...this.#found].map(([what, { count, example, advice }]) => ({
      level: "wrong",
      what: `${area}: ${count} ${what}, for instance ${example}`,
      advice,
    }));
  }
}

/** Every state decodes, is plain, has the shape of its plan, and one entry in the index, at or before its timer. */
export function checkStates(store: StateStore, meta: Meta): Finding[] {
  const codec = msgpackCodec();
  const faults = new Faults();
  const layouts = new Map(meta.manifest.map(({ epoch, layout }) => [epoch, layout]));
  let states = 0;
  let timers = 0;
  for (const [key, value] of store.scan("state", {})) {
    states++;
    try {
      const decoded = codec.decode(value);
      assertPlainStrict(decoded);
      if (!Array.isArray(decoded) || decoded.length !== 3 || !Array.isArray(decoded[1]))
        throw new Error("it is no state");
      const [epoch, packed, indexed] = decoded as unknown as readonly [
        number,
        Packed,
        number | null,
      ];
      const layout = layouts.get(epoch);
      if (layout === undefined) throw new Error(`its plan epoch ${epoch} is not in the manifest`);
      if (isEntityKey(key)) continue;
      const state = unpackProfile(packed);
      if (
        state.members.length !== layout.segments.length ||
        state.flips.length !== layout.segments.length
      )
        throw new Error("it has another number of segments than its plan");
      if (state.parts.some(({ part }) => part.features.length !== layout.features.length))
        throw new Error("it has another number of features than its plan");
      if ((state.timer === never) !== (indexed === null) || (indexed ?? 0) > state.timer)
        faults.add("states have an entry in the timer index that is too late", key, rebuild);
      if (indexed === null) continue;
      timers++;
      if (store.get("timer", timerKey(indexed, key)) === undefined)
        faults.add("states have a timer that the index does not have", key, rebuild);
    } catch (error) {
      faults.add("states cannot be read", `${key} (${(error as Error).message})`, rebuild);
    }
  }
  const indexed = [...store.scan("timer", {})].length;
  if (indexed !== timers)
    faults.add(
      `entries in the timer index, but ${timers} states with a timer`,
      `${indexed} entries`,
      rebuild,
    );
  const found = faults.findings("state");
  return found.length > 0
    ? found
    : [
        {
          level: "fine",
          what: `state: ${states} keys decode and are plain, ${timers} timers agree with the index`,
        },
      ];
}

/** Entries of the outbox, abandoned ones and dead letters decode, and their books agree. */
export function checkQueues(store: StateStore, meta: Meta): Finding[] {
  const faults = new Faults();
  const known = new Map<string, string>();
  let waiting = 0;
  for (const [key, value] of store.scan("outbox", {})) {
    if (key.startsWith("~known/")) known.set(key.slice("~known/".length), utf8.decode(value));
    if (key.startsWith("~sent/") || key.startsWith("~known/")) continue;
    const effect = parse<{ readonly effect?: SendEffect }>(value)?.effect;
    if (
      typeof effect?.id !== "string" ||
      typeof effect.destination !== "string" ||
      typeof effect.rule !== "string"
    ) {
      faults.add("outbox entries cannot be read", key, bug);
      continue;
    }
    if (!key.startsWith("~")) waiting++;
    const book = utf8.decode(store.get("outbox", `~known/${effect.id}`) ?? new Uint8Array(0));
    if (book !== (key.startsWith("~") ? key : "waiting"))
      faults.add("outbox entries are not in its book of known ids", key, bug);
  }
  const letters = checkLetters(store, meta, faults);
  const found = faults.findings("queues");
  return found.length > 0
    ? found
    : [
        {
          level: "fine",
          what: `queues: ${waiting} effects wait, ${known.size} effect ids are remembered, ${letters} dead letters`,
        },
      ];
}

function parse<T>(value: Uint8Array): T | null {
  try {
    return readJson(utf8.decode(value)) as T;
  } catch {
    return null;
  }
}

const entryBytes = 24;

/** Offsets that the deduplication window on disk has, each with how often. Null where a run cannot be read. */
export function dedupOffsets(store: StateStore): Map<number, number> | null {
  const offsets = new Map<number, number>();
  for (const [, run] of store.scan("dedup", { from: "run/", to: "run/~" })) {
    if (run.byteLength % entryBytes !== 0) return null;
    const view = new DataView(run.buffer, run.byteOffset, run.byteLength);
    for (let at = 16; at < run.byteLength; at += entryBytes) {
      const offset = view.getFloat64(at);
      offsets.set(offset, (offsets.get(offset) ?? 0) + 1);
    }
  }
  return offsets;
}
