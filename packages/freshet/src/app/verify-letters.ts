import { readJson } from "@freshet/protocol";
import { utf8 } from "../adapters/codec/msgpack.ts";
import { letterStates, type StoredDeadLetter, samenessOf } from "../engine/dead-letter.ts";
import type { LetterKind } from "../engine/dead-letter-kinds.ts";
import type { Meta } from "../engine/meta.ts";
import type { StateStore } from "../engine/port/state-store.ts";
import { hexTime } from "../engine/store-key.ts";
import type { Finding } from "./doctor.ts";
import type { ReadFolder } from "./replay-open.ts";

const bug = "this is a bug: keep the folder and report it";

/** Where faults of a queue are gathered. */
export interface LetterFaults {
  add(what: string, example: string, advice: string): void;
}

/** Dead letters decode, and their indexes, counts and bytes agree with them. Returns how many there are. */
export function checkLetters(store: StateStore, meta: Meta, faults: LetterFaults): number {
  const kinds = new Map<string, Record<(typeof letterStates)[number], number>>();
  let [letters, settled, bytes] = [0, 0, 0];
  for (const [key, value] of store.scan("deadLetter", { to: "id/" })) {
    letters++;
    const letter = parse(value);
    if (typeof letter?.id !== "string" || typeof letter.code !== "string") {
      faults.add("dead letters cannot be read", key, bug);
      continue;
    }
    if (letter.state === undefined) continue;
    if (hexTime(letter.offset) !== key) faults.add("dead letters are not where they say", key, bug);
    if (store.get("deadLetter", `same/${samenessOf(letter)}`) === undefined)
      faults.add("dead letters would not be known again", key, bug);
    bytes += letter.bytes;
    if (letter.state.kind !== "waiting") settled++;
    const counts = kinds.get(letter.kind) ?? { waiting: 0, sent: 0, discarded: 0 };
    counts[letter.state.kind]++;
    kinds.set(letter.kind, counts);
  }
  const agree = (what: string, found: number, wanted: number) => {
    if (found !== wanted) faults.add(`${what}, but ${wanted} letters`, `${found} entries`, bug);
  };
  agree("entries in the index of dead letters", countOf(store, "id/"), letters);
  if (meta.deadLetters !== letters)
    faults.add(
      `dead letters in the store, but the checkpoint counts ${meta.deadLetters}`,
      `${letters} letters`,
      bug,
    );
  // A folder of an earlier version has neither until it is opened for writing.
  if (meta.deadLetterBytes === undefined) return letters;
  agree("entries in the index of settled dead letters", countOf(store, "settled/"), settled);
  if (meta.deadLetterBytes !== bytes)
    faults.add(
      `bytes of dead letters, but the checkpoint counts ${meta.deadLetterBytes}`,
      `${bytes} bytes`,
      bug,
    );
  checkKinds(store, kinds, faults);
  return letters;
}

type Counts = ReadonlyMap<string, Readonly<Record<(typeof letterStates)[number], number>>>;

function checkKinds(store: StateStore, counted: Counts, faults: LetterFaults): void {
  const kept = new Set<string>();
  for (const [key, value] of store.scan("deadLetter", { from: "kind/", to: "kind/~" })) {
    const id = key.slice("kind/".length);
    kept.add(id);
    const kind = readJson(utf8.decode(value)) as LetterKind;
    if (letterStates.some((state) => kind[state] !== (counted.get(id)?.[state] ?? 0)))
      faults.add("kinds of dead letters are counted wrong", `${kind.code} of ${kind.source}`, bug);
  }
  for (const id of counted.keys())
    if (!kept.has(id)) faults.add("kinds of dead letters are not counted", id, bug);
}

/** Each letter that was sent names the event of the log that it became, or the one that had come by itself. */
export function checkSent({ log, store }: ReadFolder, meta: Meta): Finding[] {
  let [sent, wrong, example] = [0, 0, ""];
  for (const [key, value] of store.scan("deadLetter", { to: "id/" })) {
    const letter = parse(value);
    if (letter?.state?.kind !== "sent") continue;
    sent++;
    const { offset, outcome } = letter.state;
    if (offset < log.first) continue;
    const record = offset < meta.position ? log.get(offset) : undefined;
    const isRight =
      record?.kind === "event" &&
      (outcome === "duplicate" || record.event.corrects?.letter === letter.offset);
    if (isRight) continue;
    wrong++;
    example = key;
  }
  const what = `dead letters: ${wrong} of ${sent} were sent, and the log has no such event (${example})`;
  if (wrong > 0) return [{ level: "wrong", what, advice: bug }];
  return [{ level: "fine", what: `dead letters: ${sent} were sent, each to an event of the log` }];
}

function countOf(store: StateStore, prefix: string): number {
  let count = 0;
  for (const _ of store.scan("deadLetter", { from: prefix, to: `${prefix}~` })) count++;
  return count;
}

/** Undefined fields are those that damage, or an earlier version, left out. */
function parse(value: Uint8Array): (Partial<StoredDeadLetter> & StoredDeadLetter) | null {
  try {
    return readJson(utf8.decode(value)) as StoredDeadLetter;
  } catch {
    return null;
  }
}
