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
  const letter = sources.deadLetters[sources.deadLetters.length - 1];
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
    ...(event.joined
      ? [{ stage: "joined", at: record.at, tables: Object.keys(event.joined) }]
      : []),
    { stage: "logged", at: record.at, partition: record.partition, offset },
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
  const record = sources.log.get(letter.offset);
  return {
    messageId: letter.id,
    status: "rejected",
    at: letter.at,
    partition: record?.partition ?? -1,
    offset: letter.offset,
    duplicates: [],
    steps: [
      { stage: "received", at: letter.at, source: letter.source },
      {
        stage: "rejected",
        at: letter.at,
        code: letter.code,
        message: letter.message,
        ...(letter.path ? { path: letter.path } : {}),
      },
      { stage: "deadLetter", at: letter.at, offset: letter.offset },
    ],
  };
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
