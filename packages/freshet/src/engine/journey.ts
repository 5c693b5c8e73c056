import type { JourneyAnswer, JourneyStep } from "@freshet/protocol";
import { type AcceptedEvent, partOf } from "../core/event.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { LogRecord } from "../core/record.ts";
import { prepareEvent } from "../core/step.ts";
import type { StoredDeadLetter } from "./dead-letters.ts";
import type { CommittedBatch, Log } from "./port/log.ts";

export interface JourneySources {
  readonly log: Log;
  readonly plan: CompiledPlan;
  readonly partitions: number;
  /** Offsets before this are in a checkpoint; before `reduced`, in the live state. */
  readonly checkpointed: number;
  readonly reduced: number;
  /** Where the deduplication window has the message id. */
  readonly offsets: readonly number[];
  readonly queued: readonly CommittedBatch[];
  readonly deadLetters: readonly StoredDeadLetter[];
  duplicatesOf(offset: number): readonly number[];
  /** The profile that a part belongs to by now. */
  ownerOf(part: string): string;
}

/**
 * Puts the journey of an event together from what the log, the window and the dead letters know; nothing is
 * recorded for it on the way.
 */
export function journeyOf(messageId: string, sources: JourneySources): JourneyAnswer | null {
  for (const offset of sources.offsets) {
    const record = sources.log.get(offset);
    if (record?.kind === "event" && record.event.id === messageId)
      return appliedJourney(record.event, { record, offset }, sources);
    if (record === undefined && offset < sources.log.first)
      return trimmedJourney(messageId, offset, sources);
  }
  const letter = sources.deadLetters.reduce<StoredDeadLetter | undefined>(
    (last, one) => (last !== undefined && last.lastOffset > one.lastOffset ? last : one),
    undefined,
  );
  if (letter !== undefined) return rejectedJourney(letter, sources);
  return queuedJourney(messageId, sources);
}

interface Located {
  readonly record: Pick<LogRecord, "at" | "partition">;
  readonly offset: number;
}

function appliedJourney(
  event: AcceptedEvent,
  located: Located,
  sources: JourneySources,
): JourneyAnswer {
  const { record, offset } = located;
  const rules = sources.plan.eventPlan(event.name);
  const prepared = prepareEvent(rules, event, record.at);
  const isFiltered = "event" in prepared && prepared.event === null;
  const profileId = sources.ownerOf(partOf(event));
  const reached = isFiltered
    ? {}
    : {
        profileId,
        features: [...rules.adders, ...rules.sessionAdders].map(
          (adder) => adder.slot.definition.name,
        ),
        segments: rules.segments.map((segment) => segment.definition.name),
      };
  const steps: JourneyStep[] = [
    ...correctedSteps(event, located, sources),
    {
      stage: "happened",
      at: event.time,
      clock: event.notes?.includes("skewCorrected") ? "corrected" : "asSent",
    },
    {
      stage: "accepted",
      at: record.at,
      source: event.source,
      ...(event.notes ? { notes: [...event.notes] } : {}),
    },
    ...contractSteps(event, record.at),
    ...(event.joined
      ? [{ stage: "joined", at: record.at, tables: Object.keys(event.joined) }]
      : []),
    { stage: "logged", at: record.at, partition: record.partition, offset },
    ...upCastSteps(event, record.at, sources.plan),
    { stage: isFiltered ? "filtered" : "applied", at: record.at, ...reached },
  ];
  if (offset < sources.checkpointed) steps.push({ stage: "checkpointed", at: record.at });
  const duplicates = duplicatesAt(offset, sources);
  for (const duplicate of duplicates)
    steps.push({ stage: "duplicateDropped", at: duplicate.at, offset: duplicate.offset });
  return {
    messageId: event.id,
    status: "applied",
    profileId,
    at: record.at,
    partition: record.partition,
    offset,
    duplicates,
    steps,
  };
}

/** How it breaks its contract, where its source takes such events. */
function contractSteps({ breach }: AcceptedEvent, at: number): JourneyStep[] {
  return breach === undefined ? [] : [{ stage: "contractBroken", at, ...breach }];
}

/** From which version to which the plan of now makes it. */
function upCastSteps(event: AcceptedEvent, at: number, { plan }: CompiledPlan): JourneyStep[] {
  const declared = plan.definition.events.find(({ name }) => name === event.name);
  const { version: from = 1 } = event;
  const isEarlier = declared?.earlier?.some(({ version }) => version === from) === true;
  return isEarlier ? [{ stage: "upCast", at, from, to: declared.version ?? 1 }] : [];
}

/** What came before an event that was refused at first. */
function correctedSteps(
  { corrects }: AcceptedEvent,
  { record }: Located,
  { deadLetters }: JourneySources,
): JourneyStep[] {
  if (corrects === undefined) return [];
  const letter = deadLetters.find(({ offset }) => offset === corrects.letter);
  const job = corrects.job === undefined ? {} : { job: corrects.job };
  return [
    ...(letter === undefined ? [] : refusedSteps(letter)),
    { stage: "corrected", at: record.at, letter: `${corrects.letter}`, ...job },
  ];
}

function refusedSteps(letter: StoredDeadLetter): JourneyStep[] {
  const { at, source, code, message, path, offset, count, lastAt } = letter;
  return [
    { stage: "received", at, source },
    { stage: "rejected", at, code, message, ...(path ? { path } : {}) },
    {
      ...{ stage: "deadLetter", at, offset, letter: `${offset}` },
      ...(count > 1 ? { count, lastAt } : {}),
    },
  ];
}

/** The window still knows the id, the log no longer has the event. */
function trimmedJourney(messageId: string, offset: number, sources: JourneySources): JourneyAnswer {
  return {
    messageId,
    status: "applied",
    at: 0,
    partition: -1,
    offset,
    duplicates: duplicatesAt(offset, sources),
    steps: [{ stage: "trimmed", at: 0, offset }],
  };
}

function duplicatesAt(offset: number, { log, duplicatesOf }: JourneySources) {
  return duplicatesOf(offset).map((other) => ({ at: log.get(other)?.at ?? 0, offset: other }));
}

function rejectedJourney(letter: StoredDeadLetter, sources: JourneySources): JourneyAnswer {
  const record = sources.log.get(letter.lastOffset);
  return {
    messageId: letter.id,
    status: "rejected",
    at: letter.lastAt,
    partition: record?.partition ?? -1,
    offset: letter.lastOffset,
    duplicates: [],
    steps: [...refusedSteps(letter), ...discardedSteps(letter)],
  };
}

function discardedSteps({ state }: StoredDeadLetter): JourneyStep[] {
  if (state.kind !== "discarded") return [];
  const { at, by, reason } = state;
  return [{ stage: "discarded", at, by, ...(reason === undefined ? {} : { reason }) }];
}

function queuedJourney(messageId: string, sources: JourneySources): JourneyAnswer | null {
  for (const batch of sources.queued)
    for (const [index, record] of batch.records.entries()) {
      const offset = batch.firstOffset + index;
      if (offset < sources.reduced) continue;
      const id =
        record.kind === "event"
          ? record.event.id
          : record.kind === "deadLetter"
            ? record.letter.id
            : null;
      if (id === messageId)
        return {
          messageId,
          status: "inFlight",
          at: record.at,
          partition: record.partition,
          offset,
          duplicates: [],
          steps: [{ stage: "logged", at: record.at, partition: record.partition, offset }],
        };
    }
  return null;
}
