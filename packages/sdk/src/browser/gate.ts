import { isCore } from "../queue/index.ts";
import type { Journal } from "../shell/journal.ts";
import { consentKey, type openConsent, type Permission } from "./consent.ts";

/** An event before it is text. */
export interface CapturedEvent {
  readonly messageId: string;
  readonly context: object;
  readonly [name: string]: unknown;
}

interface GatePorts {
  readonly consent: ReturnType<typeof openConsent>;
  readonly journal: Journal;
  /** Events that may wait here. */
  readonly eventsMax: number;
  /** Called with each event that may go on. */
  pass(event: CapturedEvent): void;
  /** Called when the visitor's word may have changed, before events that waited for it go on. */
  changed(permission: Permission): void;
}

/**
 * What the visitor's consent lets through.
 *
 * - C1 Before consent nothing is stored and nothing is sent; events wait in the memory of the page.
 * - C2 After a refusal nothing that waited is sent, and what was stored of the visitor is gone.
 * - C3 What is said in one tab holds in the others.
 */
export function openGate({ consent, journal, eventsMax, pass, changed }: GatePorts) {
  const held: CapturedEvent[] = [];

  const withdraw = (event: CapturedEvent): void => {
    journal.drop({ reason: "withdrawn", detail: isCore ? "" : "there is no consent" }, event);
  };

  const ways: { readonly [P in Permission]: (event: CapturedEvent) => void } = {
    granted: pass,
    denied: withdraw,
    pending(event) {
      // A copy: the page may change its objects while they wait.
      held.push(JSON.parse(JSON.stringify(event)));
      if (held.length > eventsMax) held.splice(0, 1).forEach(withdraw);
    },
  };

  const permit = (): void => {
    const permission = consent.permission();
    changed(permission);
    held.splice(0).forEach(ways[permission]);
  };

  addEventListener("storage", ({ key }) => {
    if (key === consentKey) permit();
  });
  return {
    /** To be called when the visitor has said something. */
    permit,
    enter(event: CapturedEvent): void {
      ways[consent.permission()](event);
      journal.take();
    },
  };
}
