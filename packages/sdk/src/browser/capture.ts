import { isCore, type QueueLimits } from "../queue/index.ts";
import { timeOf } from "../shell/arguments.ts";
import type { Journal } from "../shell/journal.ts";
import { runQueue } from "../shell/runner.ts";
import { uuid } from "../shell/uuid.ts";
import type { openConsent } from "./consent.ts";
import { contextOf } from "./context.ts";
import { deviceOf } from "./device.ts";
import { openGate } from "./gate.ts";
import type { CallOptions } from "./options.ts";
import { followEnd } from "./page-end.ts";
import { openSender } from "./sender.ts";
import { openShelf, type Shelf } from "./shelf.ts";
import type { Store } from "./storage.ts";
import type { openVisitor } from "./visitor.ts";

export interface Settings {
  readonly url: string;
  readonly writeKey: string;
  readonly bounds: QueueLimits;
  /** Proves a user id, where the source asks for it. */
  readonly identityToken?: (() => string | null) | undefined;
}

export interface CapturePorts {
  readonly settings: Settings;
  readonly journal: Journal;
  readonly store: Store;
  readonly consent: ReturnType<typeof openConsent>;
  readonly visitor: ReturnType<typeof openVisitor>;
  /** Called after events were delivered or dropped. */
  readonly settled?: () => void;
}

/** What a method says of its event; the rest is the page's and the visitor's. */
export interface EventFields {
  readonly [name: string]: unknown;
}

export type Capture = ReturnType<typeof openCapture>;

/** From a call to the queue: who, where, when, and whether at all. */
export function openCapture(ports: CapturePorts) {
  const { settings, journal, store, consent, visitor } = ports;
  const prefix = `freshet:${encodeURIComponent(settings.writeKey)}:`;
  const sender = openSender(settings);
  let shelf: Shelf | undefined;
  let pinned: number | undefined;

  const queue = runQueue(settings.bounds, {
    now: () => performance.now(),
    send: (events) => {
      if (!isCore) shelf?.beat?.();
      return sender.send(events);
    },
    keep: (event) => shelf?.keep(event),
    settled(events, end) {
      shelf?.forget(events);
      journal.settled(events, end);
      if (!isCore) ports.settled?.();
    },
  });

  const add = (id: string, text: string): void => queue.feed({ kind: "add", id, text });

  /** Events of other tabs that nobody else sends. */
  const adopt = (id: string, text: string): void => {
    if (!isCore && consent.permission() !== "granted") return;
    journal.take();
    add(id, text);
  };

  const here = (userId: string | null) => ({
    ...contextOf(),
    ...(isCore ? {} : deviceOf()),
    identityToken: userId === null ? undefined : settings.identityToken?.(),
  });

  const leave = (): void => queue.feed({ kind: "leave", bytesMax: sender.bytesLeft() });
  const isLeft = followEnd(leave);

  const gate = openGate({
    consent,
    journal,
    eventsMax: settings.bounds.eventsMax,
    pass(event) {
      const categoryPreferences = consent.preferences();
      const said = categoryPreferences && { consent: { categoryPreferences } };
      add(event.messageId, JSON.stringify({ ...event, context: { ...event.context, ...said } }));
      // Whoever listens to the end of a page may do so after this did.
      if (isLeft()) leave();
    },
    changed(permission) {
      visitor.permit(permission);
      if (permission === "granted") shelf ??= openShelf({ store, prefix, adopt });
      if (permission === "denied") {
        queue.feed({ kind: "withdraw" });
        // What any tab kept.
        for (const key of store.keys(prefix)) store.set(key, null);
      }
    },
  });

  gate.permit();
  addEventListener("online", () => queue.feed({ kind: "reach" }));
  return {
    queue,
    permit: gate.permit,
    sender,
    /** The context of something that happens now. */
    here,
    event(type: string, fields: EventFields, options: CallOptions): void {
      const now = pinned ?? Date.now();
      const { timestamp, messageId = uuid(), context, ...rest } = options;
      const { anonymousId, userId, sessionId } = visitor.active(now);
      gate.enter({
        type,
        messageId,
        timestamp: timeOf(timestamp, now),
        anonymousId,
        userId,
        ...fields,
        ...rest,
        context: { ...here(userId), sessionId, ...context },
      });
    },
    /** Runs calls that were made before the script was there. */
    asOf(time: number, work: () => void): void {
      pinned = time;
      work();
      pinned = undefined;
    },
  };
}
