import { type JourneyAnswer, type JsonObject, readJson } from "@freshet/protocol";
import type { Person, Probe, StoredEvent } from "./case.ts";

/**
 * Looks into Freshet by its own interface: the journey says whose event it is, and the profile's events, which are what
 * was applied, how often it counts. A profile remembers its last 32 events for each identifier.
 */
export function freshetProbe(options: { readonly url: string; readonly secretKey: string }): Probe {
  const base = options.url.replace(/\/+$/, "");
  const headers = { authorization: `Bearer ${options.secretKey}` };
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(base + path, { headers });
    if (response.status === 404) return null;
    if (response.status !== 200)
      throw new Error(`"${path}" answered ${response.status}: ${await response.text()}`);
    return readJson(await response.text());
  };
  const eventsOf = async (profileId: string): Promise<readonly StoredEvent[]> => {
    const path = `/v1/profiles/${encodeURIComponent(profileId)}/events?limit=200`;
    const answer = (await get(path)) as { readonly events: readonly JsonObject[] } | null;
    return (answer?.events ?? []).map(storedOf);
  };
  return {
    async find(messageId) {
      const path = `/v1/events/${encodeURIComponent(messageId)}`;
      const journey = (await get(path)) as JourneyAnswer | null;
      if (journey?.status !== "applied" || journey.profileId === undefined) return { count: 0 };
      const events = await eventsOf(journey.profileId);
      const found = events.filter((event) => event.messageId === messageId);
      const [event] = found;
      return { count: found.length, ...(event === undefined ? {} : { event }) };
    },
    list: (who) => eventsOf(profileIdOf(who)),
  };
}

function profileIdOf(who: Person): string {
  return "userId" in who ? `user:${who.userId}` : `anon:${who.anonymousId}`;
}

/** The group's id is a property to plans. */
function storedOf(event: JsonObject): StoredEvent {
  const { properties } = event;
  const groupId = typeof properties === "object" ? (properties as JsonObject)?.groupId : undefined;
  return { ...event, ...(groupId === undefined ? {} : { groupId }) } as unknown as StoredEvent;
}
