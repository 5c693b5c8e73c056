import type { PlanDefinition } from "../../core/plan/definition.ts";
import type { RecentAnswer } from "../../server/route/recent.ts";
import { ask, type LetterServer } from "../letters/client.ts";
import { UsageError } from "../usage-error.ts";
import type { EventReader, LoggedEvent } from "./traffic.ts";

/** Events of one request; the server's own limit. */
const pageEvents = 500;

/** The log of a running server, over HTTP. */
export function serverReader(server: LetterServer, since: number | undefined): EventReader {
  return { read: () => pages(server, since) };
}

async function* pages(
  server: LetterServer,
  since: number | undefined,
): AsyncGenerator<readonly LoggedEvent[]> {
  let before: number | null = null;
  do {
    const url: URL = new URL("/v1/events", server.url);
    url.searchParams.set("limit", String(pageEvents));
    if (before !== null) url.searchParams.set("before", String(before));
    if (since !== undefined) url.searchParams.set("from", String(since));
    // The answer of this path.
    const page = (await ask(server, url, undefined)) as unknown as RecentAnswer;
    if (!Array.isArray(page.events))
      throw new UsageError(
        `"${server.url}" answers without events`,
        "check that it is a Freshet server, and not of an earlier version",
        1,
      );
    yield page.events;
    before = page.next;
  } while (before !== null);
}

/** The plan that a server has in force. */
export async function serverPlan(server: LetterServer): Promise<PlanDefinition> {
  const answer = await ask(server, new URL("/v1/plan", server.url), undefined);
  return answer["definition"] as unknown as PlanDefinition;
}
