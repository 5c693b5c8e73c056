import { type DropReason, type End, isCore, type QueuedEvent } from "../queue/index.ts";

/** An event that will not arrive, and why. */
export interface Drop {
  /** Empty where it never became an event. */
  readonly messageId: string;
  readonly reason: DropReason;
  readonly detail: string;
  /** As it would have been sent. */
  readonly event: unknown;
}

export type OnDrop = (drop: Drop) => void;

/** What became of the calls. `taken` is `delivered`, plus `dropped`, plus what is under way. */
export interface Status {
  readonly taken: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly reasons: { readonly [Reason in DropReason]?: number };
}

/** Counts what becomes of events, and tells the site of those that are lost; of each reason once in the console. */
export function openJournal(onDrop: OnDrop | undefined) {
  const count = { taken: 0, delivered: 0, dropped: 0 };
  const reasons: { [Reason in DropReason]?: number } = {};

  const drop = ({ reason, detail }: Loss, event: Dropped | undefined): void => {
    count.dropped++;
    const before = reasons[reason] ?? 0;
    reasons[reason] = before + 1;
    if (!before)
      console.warn(
        isCore ? `freshet: ${reason}` : `freshet: an event was dropped (${reason}):`,
        detail,
      );
    const one = { messageId: event?.messageId ?? "", reason, detail, event };
    // The site's own function: later, so that whatever it does does not happen in the middle of the queue's work.
    if (onDrop && isCore) setTimeout(onDrop, 0, one);
    else if (onDrop) void Promise.resolve(one).then(onDrop).catch(console.warn);
  };

  return {
    take: (): void => void count.taken++,
    drop,
    settled(events: readonly QueuedEvent[], end: End): void {
      if (end.kind === "delivered") count.delivered += events.length;
      else for (const { text } of events) drop(end, JSON.parse(text));
    },
    status: (): Status => ({ ...count, reasons: { ...reasons } }),
  };
}

interface Loss {
  readonly reason: DropReason;
  readonly detail: string;
}

/** What is lost: an event, or what should have become one. */
export interface Dropped {
  readonly messageId?: string | undefined;
}

export type Journal = ReturnType<typeof openJournal>;
