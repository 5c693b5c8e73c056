import { createFreshet } from "@freshet/sdk";
import type { Sdk } from "./sdk.ts";

/** This page is about what happens at once, so an event hardly waits for others to share its request. */
const LINGER_MS = 20;

/** Freshet's own SDK. It starts without asking the server for anything. */
export async function freshetSdk(writeKey: string): Promise<Sdk> {
  const it = createFreshet({ writeKey, limits: { lingerMs: LINGER_MS } });
  return {
    page: (name, place, timestamp) => it.page(name, { ...place }, { timestamp }),
    track: (event, properties, timestamp) => it.track(event, { ...properties }, { timestamp }),
    identify: (userId, traits, timestamp) => it.identify(userId, { ...traits }, { timestamp }),
    reset: () => it.reset(),
    anonymousId: () => it.anonymousId(),
    userId: () => it.userId() ?? undefined,
  };
}
