import { FreshetError, type JsonObject } from "@freshet/protocol";
import type { Sources } from "./sources.ts";

export interface SettingsInput {
  readonly writeKey: string;
  /** Host and port as the browser reached us, by the request's `Host` or what a trusted proxy forwarded. */
  readonly host: string;
  readonly protocol: "http" | "https";
}

/**
 * What analytics-next asks for before it starts (WIRE section 1). Hosts are spelled out because it falls back to
 * Segment's own: events and telemetry of customers would go there.
 */
export function settingsFor(input: SettingsInput, sources: Sources): JsonObject {
  if (!sources.byKey.has(input.writeKey)) {
    throw new FreshetError("keyUnknown", "no source has this write key");
  }
  const apiHost = `${input.host}/v1`;
  return {
    integrations: {
      "Segment.io": { apiKey: input.writeKey, apiHost, protocol: input.protocol },
    },
    plan: {
      track: { __default: { enabled: true, integrations: {} } },
      identify: { __default: { enabled: true } },
      group: { __default: { enabled: true } },
    },
    metrics: { sampleRate: 0, host: apiHost },
  };
}
