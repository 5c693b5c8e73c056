import { parseJson } from "../shell/json.ts";
import { uuid } from "../shell/uuid.ts";
import type { openConsent, Permission } from "./consent.ts";
import { openMemory, type Place } from "./storage.ts";

/** Who this browser is to the site. */
export interface Visitor {
  readonly anonymousId: string;
  readonly userId: string | null;
  readonly sessionId: string;
  /** When the session last saw an event, in milliseconds since 1970. */
  readonly sessionAt: number;
}

/** Inactivity that ends a session: what analytics tools agree on. */
const sessionMs = 30 * 60_000;
/** The session's end may be remembered this much too early: storage is not written for every event. */
const sessionMsSlack = 5000;
const key = "freshet.visitor";
const nobody = { userId: null, sessionId: "", sessionAt: 0 };

/** Read at each event: other tabs may have signed in or out. */
export function openVisitor(place: Place, consent: ReturnType<typeof openConsent>) {
  const memory = openMemory(place, key, () => consent.permission() === "granted");

  const write = (visitor: Visitor): Visitor => {
    memory.write(JSON.stringify(visitor));
    return visitor;
  };

  const read = (): Visitor => {
    const found = parseJson(memory.read()) as Partial<Visitor> | null;
    // Nobody was here, or somebody else wrote this.
    if (typeof found?.anonymousId !== "string") return reset();
    return { ...nobody, ...found } as Visitor;
  };

  const reset = (): Visitor => write({ anonymousId: uuid(), ...nobody, sessionId: uuid() });

  const become = (change: Partial<Visitor>): Visitor => write({ ...read(), ...change });

  return {
    read,
    reset,
    /** The visitor at an event, whose session goes on or begins. */
    active(now: number): Visitor {
      const visitor = read();
      const { sessionId, sessionAt } = visitor;
      const idleMs = now - sessionAt;
      if (idleMs < sessionMsSlack) return visitor;
      const isOver = sessionAt > 0 && idleMs > sessionMs;
      return write({
        ...visitor,
        sessionId: (!isOver && sessionId) || uuid(),
        sessionAt: now,
      });
    },
    become,
    /** To be called when the visitor's word may have changed. */
    permit(permission: Permission): void {
      if (permission === "granted") become({});
      if (permission === "denied") place.set(key, null);
    },
  };
}
