import { isObject } from "./kind.ts";
import { inferLimits } from "./limits.ts";
import { type Place, sumOf } from "./place.ts";
import { isDataName, isUnsafeName } from "./private.ts";
import type { EventProposal } from "./proposal.ts";
import { sampleValues } from "./sample.ts";
import type { EventSummary } from "./traffic.ts";
import { addWhole, droppedBelow, isRootCut, newTree } from "./tree.ts";
import { isDescribable, recordOf } from "./types.ts";

/** Reads a summary, which is settled, as a proposal for the contract of its events. */
export function propose(summary: EventSummary): EventProposal {
  const { name, count, refused } = summary;
  const { root, isWhole, notes } = readRoot(summary);
  const chosen = chooseNames(root);
  // Traits are about people, whatever they are called.
  const around = { name, isPersonal: name === "Identify" || name === "Group" };
  return {
    name,
    count,
    refused,
    content: recordOf(root, { around, names: chosen.names, isWhole }),
    notes: [...fewNote(count), ...notes, ...chosen.notes],
  };
}

interface Root {
  readonly root: Place;
  readonly isWhole: boolean;
  readonly notes: readonly string[];
}

/**
 * Where properties themselves had to be dropped, which of them were kept says nothing about how frequent they are:
 * then the sample of whole events is what speaks.
 */
function readRoot({ count, tree, sample }: EventSummary): Root {
  if (!isRootCut(tree)) {
    const dropped = droppedBelow(tree.root);
    const note = `${amount(dropped, "value")} inside of objects and lists not described: more than ${inferLimits.placesMax} places`;
    return { root: tree.root, isWhole: true, notes: dropped === 0 ? [] : [note] };
  }
  const all = newTree();
  for (const value of sampleValues(sample)) addWhole(all, value, nobody);
  const note = `more than ${inferLimits.placesMax} different properties: read from a sample of ${amount(sample.entries.length, "event")} of ${count}, nothing is proposed as required`;
  return { root: all.root, isWhole: false, notes: [note] };
}

const nobody = { origin: "", profile: 0 };

interface Chosen {
  readonly names: readonly string[];
  readonly notes: readonly string[];
}

/** Leaves out names that are data. Names stay unprinted: they may be somebody's address. */
function chooseNames({ properties, counts }: Place): Chosen {
  const all = [...(properties?.keys() ?? [])];
  const names = all.filter(isDescribable);
  const notes: string[] = [];
  const data = all.filter(isDataName).length;
  if (data > 0) notes.push(`${propertiesOf(data)} left out: the names look like data`);
  const unsafe = all.filter(isUnsafeName).length;
  if (unsafe > 0)
    notes.push(`${propertiesOf(unsafe)} left out: no schema takes the name "__proto__"`);
  if (names.length <= inferLimits.propertiesMax) return { names, notes };
  const least = (counts[isObject] ?? 0) * inferLimits.seldomShare;
  const frequent = names.filter((name) => sumOf(properties?.get(name)?.counts ?? []) > least);
  const seldom = names.length - frequent.length;
  if (seldom > 0)
    notes.push(
      `${propertiesOf(seldom)} left out: each in less than ${100 * inferLimits.seldomShare} % of events`,
    );
  return { names: frequent, notes };
}

function fewNote(count: number): string[] {
  if (count >= inferLimits.fewEvents) return [];
  return [`rests on ${amount(count, "event")} only`];
}

const propertiesOf = (count: number): string =>
  count === 1 ? "1 property" : `${count} properties`;

export function amount(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count.toLocaleString("en")} ${what}s`;
}
