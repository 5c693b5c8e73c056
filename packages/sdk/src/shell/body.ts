import type { QueuedEvent } from "../queue/index.ts";

/**
 * JSON of `fields` with `sentAt` and the events, whose texts are not written again. Each attempt says when it was sent:
 * that is what a wrong clock is measured by.
 */
export function withEvents(fields: object, name: string, events: readonly QueuedEvent[]): string {
  const head = JSON.stringify({ ...fields, sentAt: new Date().toISOString() }).slice(0, -1);
  return `${head},"${name}":[${events.map(({ text }) => text).join(",")}]}`;
}
