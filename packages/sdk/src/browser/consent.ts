import { parseJson } from "../shell/json.ts";
import { openMemory, type Place } from "./storage.ts";

/** What the visitor agreed to, by category: `{ analytics: true, marketing: false }`. */
export interface Preferences {
  readonly [category: string]: boolean;
}

/** `pending`: nobody has said yet, and the site wants a word first. */
export type Permission = "granted" | "pending" | "denied";

export interface ConsentOptions {
  /** Events wait in memory, and nothing is stored, until `consent({ analytics: true })`. */
  readonly requireConsent?: boolean;
  /** A browser that sends Do Not Track or Global Privacy Control is not captured unless its visitor consents. */
  readonly honourPrivacySignals?: boolean;
}

/** Where the choice is remembered. */
export const consentKey = "freshet.consent";

/** Whether there may be events at all is the category `analytics`; the others travel with the events. */
export function openConsent(place: Place, options: ConsentOptions) {
  // Remembered also where nothing else may be.
  const memory = openMemory(place, consentKey);
  const preferences = () => parseJson(memory.read()) as Preferences | null;
  return {
    preferences,
    permission(): Permission {
      const analytics = preferences()?.["analytics"];
      if (analytics === true) return "granted";
      const { doNotTrack, globalPrivacyControl }: Signals = navigator;
      const isAsked = doNotTrack === "1" || globalPrivacyControl;
      if (analytics === false || (options.honourPrivacySignals && isAsked)) return "denied";
      return options.requireConsent ? "pending" : "granted";
    },
    say: (next: Preferences): void => memory.write(JSON.stringify({ ...preferences(), ...next })),
  };
}

/** What browsers say on their visitor's behalf. */
interface Signals {
  readonly doNotTrack?: string | null;
  readonly globalPrivacyControl?: boolean;
}
