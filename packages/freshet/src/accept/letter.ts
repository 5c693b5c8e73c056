import { type Json, limits } from "@freshet/protocol";
import type { DeadLetter, LetterForm } from "../core/event.ts";
import { isObject } from "./field.ts";
import type { Issue } from "./issue.ts";
import { jsonText, wellFormed } from "./text.ts";

export interface Refused {
  readonly id: string;
  readonly issue: Issue;
  readonly source: string;
  readonly at: number;
  readonly event: Json;
  /** Never less than its bytes as JSON. */
  readonly bytesAtMost: number;
  readonly name?: string;
  readonly time?: number;
  readonly sentAt?: number;
  readonly form?: LetterForm;
}

/** The letter keeps the event whole while it is small enough, so that it can be corrected and sent again. */
export function deadLetterOf(refused: Refused): DeadLetter {
  const { issue, event } = refused;
  const kept = keep(event, refused.bytesAtMost);
  return {
    id: refused.id,
    code: issue.code,
    message: kept.cut ? `${issue.message} (kept: the first ${kept.cut} characters)` : issue.message,
    ...(issue.path === undefined ? undefined : { path: issue.path }),
    ...(issue.schema === undefined ? undefined : { schema: issue.schema }),
    source: refused.source,
    at: refused.at,
    event: kept.event,
    ...(refused.name && { name: refused.name }),
    ...(refused.time !== undefined && { time: refused.time }),
    ...(refused.sentAt !== undefined && { sentAt: refused.sentAt }),
    ...(refused.form !== undefined && { form: refused.form }),
  };
}

interface Kept {
  readonly event: Json;
  /** How many characters of its JSON were kept, where it was too large to keep whole. */
  readonly cut?: number;
}

function keep(event: Json, bytesAtMost: number): Kept {
  const charsMax = limits.deadLetterCharsMax;
  if (isObject(event) && bytesAtMost <= charsMax) return { event };
  const text = jsonText(event, charsMax + 1);
  if (text.length > charsMax) return { event: wellFormed(text.slice(0, charsMax)), cut: charsMax };
  return { event: isObject(event) ? event : text };
}
