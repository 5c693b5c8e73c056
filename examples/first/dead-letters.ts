/** Corrects dead letters over HTTP with nothing but `fetch`; what the docs quote. */
import type { Place } from "./client.ts";

async function post(place: Place, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${place.url}/v1/dead-letters/${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${place.secretKey}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

// snippet: dry-run
/** What a correction would do: nothing is written. */
export async function tryCorrection(place: Place, correction: object) {
  return (await post(place, "correct", { ...correction, dryRun: true })) as {
    readonly matched: number;
    readonly wouldPass: number;
    readonly refusals: readonly { readonly code: string; readonly message: string }[];
    readonly examples: readonly { readonly before: object; readonly after: object }[];
  };
}
// end snippet

// snippet: run
/** Sends what passes; answers with the run, which goes on where it takes longer than two seconds. */
export async function correctMany(place: Place, correction: object) {
  return (await post(place, "correct", correction)) as {
    readonly id: string;
    readonly status: "running" | "done" | "cancelled" | "failed";
    readonly matched: number;
    readonly applied: number;
  };
}
// end snippet

// snippet: by-hand
/** One letter, with the event as it should have been. */
export async function correctOne(place: Place, id: string, event: object): Promise<string> {
  const answer = await post(place, "correct", { id, event });
  const { outcome, message } = answer as { outcome: string; message?: string };
  if (outcome === "refused") throw new Error(message);
  return outcome;
}
// end snippet
