import { AnalyticsBrowser } from "@segment/analytics-next";
import type { Sdk } from "./sdk.ts";

/** The real Segment SDK, pointed at the shop's own origin. */
export async function segmentSdk(writeKey: string): Promise<Sdk> {
  const protocol = location.protocol === "https:" ? "https" : "http";
  const segment = { apiHost: `${location.host}/v1`, protocol } as const;
  const [it] = await AnalyticsBrowser.load(
    { writeKey, cdnURL: location.origin },
    { integrations: { "Segment.io": segment } },
  );
  return {
    page: (name, place, timestamp) => quietly(it.page(undefined, name, place, { timestamp })),
    track: (event, properties, timestamp) => quietly(it.track(event, properties, { timestamp })),
    identify: (userId, traits, timestamp) => quietly(it.identify(userId, traits, { timestamp })),
    reset: () => void it.reset(),
    anonymousId: () => it.user().anonymousId() ?? undefined,
    userId: () => it.user().id() ?? undefined,
  };
}

function quietly(work: Promise<unknown>): void {
  work.catch(() => {
    // The SDK retries by itself; what it gives up on is told by the server's ledger.
  });
}
