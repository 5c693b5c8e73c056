import { FreshetError, type Json } from "@freshet/protocol";
import { type AcceptContext, schemaIdsOfLetter } from "../../accept/index.ts";
import type { DeadLetter } from "../../core/event.ts";
import type { ServerContext } from "../context.ts";

/**
 * What accept needs to read a letter's event, or the one in its place, now. Where the registry does not answer the event
 * stays refused, for that reason.
 */
export async function contextFor(
  letter: DeadLetter,
  event: Json | undefined,
  { acceptState, schemas }: Pick<ServerContext, "acceptState" | "schemas">,
): Promise<AcceptContext> {
  const ids = schemaIdsOfLetter(letter, event);
  if (ids.length === 0) return acceptState.context();
  try {
    const table = await schemas.load(ids);
    return { ...acceptState.context(), schemas: table };
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    return acceptState.context();
  }
}
