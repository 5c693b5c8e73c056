import { FreshetError } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import { parseTime } from "../../accept/index.ts";
import type { AcceptedEvent, DeadLetter } from "../../core/event.ts";
import type { LogRecord } from "../../core/record.ts";
import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { rowsOf, wholeNumber } from "./list.ts";
import { queryText, type Route } from "./route.ts";

/** Events of one page: with events of the largest size an answer stays below 16 MiB. */
const eventsMax = 500;
/** Records that one request looks at; most of a log's are events, but a quiet server's are not. */
const lookedAtMax = 5000;

export type RecentEvent =
  | { readonly offset: number; readonly at: number; readonly event: AcceptedEvent }
  | { readonly offset: number; readonly at: number; readonly deadLetter: DeadLetter };

export interface RecentAnswer {
  /** Newest first. */
  readonly events: readonly RecentEvent[];
  /** Goes into `before` of the next page; null where there is none. */
  readonly next: number | null;
}

/** What came, newest first, taken or refused: as the log has it. `freshet infer --url` reads it. */
export function recentRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "GET",
      paths: ["/v1/events"],
      kind: "other",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        return list(request, server);
      },
    },
  ];
}

async function list(request: FastifyRequest, server: ServerContext): Promise<RecentAnswer> {
  // A page of none would never come to an end.
  const limit = Math.max(1, rowsOf(request, eventsMax));
  const from = timeIn(request, "from") ?? 0;
  const { nextOffset } = server.engine.status();
  // Asked again each time: the log may be trimmed while this waits.
  const first = () => server.engine.status().firstOffset;
  const start = Math.min(wholeNumber(request, "before") ?? nextOffset, nextOffset);
  const events: RecentEvent[] = [];
  let offset = start;
  while (offset > first() && start - offset < lookedAtMax) {
    for (const record of recordsBefore(offset, Math.max(first(), offset - limit), server)) {
      if (record.at < from) return { events, next: null };
      if (events.length === limit) return { events, next: offset };
      offset--;
      if (record.kind === "event") events.push({ offset, at: record.at, event: record.event });
      else if (record.kind === "deadLetter")
        events.push({ offset, at: record.at, deadLetter: record.letter });
    }
    await server.clock.yield();
  }
  return { events, next: offset > first() ? offset : null };
}

/** Newest first. */
function recordsBefore(to: number, from: number, { engine }: ServerContext): LogRecord[] {
  const found: LogRecord[] = [];
  for (const { firstOffset, records } of engine.batches(from)) {
    if (firstOffset >= to) break;
    found.push(...records.slice(Math.max(0, from - firstOffset), to - firstOffset));
  }
  return found.reverse();
}

function timeIn(request: FastifyRequest, name: string): number | undefined {
  const text = queryText(request, name);
  if (text === undefined) return undefined;
  const time = parseTime(/^\d+$/.test(text) ? Number(text) : text);
  if (time !== undefined) return time;
  throw new FreshetError(
    "requestShape",
    `"${name}" should be ISO 8601 or milliseconds since 1970, but came as "${text.slice(0, 60)}"`,
  );
}
