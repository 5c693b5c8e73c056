import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../field.ts";
import type { ConsentPolicy } from "./policy.ts";

/** What an event says about consent, with every purpose of the source answered. */
export interface Consent {
  /** Segment's form: `{ categoryPreferences: { analytics: true, ... } }`. Written into the event. */
  readonly written: JsonObject;
  /** False where the purpose without which the source takes nothing is not granted. */
  readonly isEnough: boolean;
}

export type ReadConsent = (context: JsonObject | undefined) => Consent;

/**
 * Only `true` grants. What says nothing about a purpose (absent, null) leaves it to the source's default; everything
 * else refuses it, since a form of consent that is not understood is none. Purposes that the source does not declare
 * are kept where they are plainly true or false: a later plan may ask for them.
 */
export function consentReader(policy: ConsentPolicy): ReadConsent {
  const granted = policy.default === "granted";
  return (context) => {
    const sent = preferencesIn(context);
    const categoryPreferences: Record<string, boolean> = {};
    for (const purpose in sent) {
      const value = sent[purpose];
      if (typeof value === "boolean") categoryPreferences[purpose] = value;
    }
    for (const purpose of policy.purposes) {
      const value: Json | undefined = Object.hasOwn(sent, purpose) ? sent[purpose] : null;
      categoryPreferences[purpose] = value === null ? granted : value === true;
    }
    const isEnough = policy.required === undefined || categoryPreferences[policy.required] === true;
    return { written: { categoryPreferences }, isEnough };
  };
}

function preferencesIn(context: JsonObject | undefined): JsonObject {
  const consent = context?.consent;
  const preferences = isObject(consent) ? consent.categoryPreferences : undefined;
  return isObject(preferences) ? preferences : {};
}
