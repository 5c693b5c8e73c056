import type { JsonObject } from "@freshet/protocol";
import type { DeadLetter } from "../core/event.ts";
import { saidVersion } from "./contract/version.ts";
import { isObject } from "./field.ts";
import { readDraft } from "./read-draft.ts";
import { readable } from "./resend.ts";

/** What a refused event says, as far as its contract goes. */
export interface RefusedContent {
  readonly name: string;
  readonly content: JsonObject;
  readonly field: string;
  readonly said: number | undefined;
  readonly userId: string | undefined;
  readonly anonymousId: string | undefined;
  readonly context: JsonObject | undefined;
}

/** Codes of letters that wait for nothing but what their contract says. */
export const contractCodes: readonly string[] = [
  "contractViolated",
  "eventUnknown",
  "eventVersionUnknown",
];

/** The event of a letter, or undefined where the letter kept no more than its name. */
export function readLetter(letter: DeadLetter): RefusedContent | undefined {
  const { shape, type, value } = readable(letter);
  if (!isObject(value) || isBare(letter)) return undefined;
  const draft = readDraft(value, { shape, ...(type === undefined ? {} : { type }) }, []);
  if (draft.name === "") return undefined;
  return {
    name: draft.name,
    content: draft.type === "identify" ? (draft.traits ?? {}) : draft.properties,
    field: draft.contractField,
    said: saidVersion(value, draft.context),
    userId: draft.userId,
    anonymousId: draft.anonymousId,
    context: draft.context,
  };
}

/** Letters of earlier versions say no form either, and have more than one field. */
function isBare({ form, event }: DeadLetter): boolean {
  return form === undefined && isObject(event) && Object.keys(event).length <= 1;
}
