import { parseJson } from "../json.ts";
import type { TokenKeeper } from "./token.ts";

export type StreamState = "connecting" | "live" | "offline";

export interface StreamHandlers {
  state(state: StreamState): void;
  /** `name` is the event's: profile, push, segment. */
  message(name: string, data: unknown): void;
}

const NAMES = ["profile", "push", "segment"];
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 15_000;

/**
 * Holds the stream open and gives back a function that closes it. The browser's own reconnect would
 * use the old address with its expired token, so each attempt is a new one with a fresh token.
 */
export function openStream(tokens: TokenKeeper, handlers: StreamHandlers): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = RETRY_MS_MIN;
  let closed = false;

  const connect = async (): Promise<void> => {
    const token = await tokens.get();
    if (closed) return;
    if (token === undefined) return later();
    source = new EventSource(`/v1/stream?token=${encodeURIComponent(token.token)}`);
    source.onopen = () => {
      waitMs = RETRY_MS_MIN;
      handlers.state("live");
    };
    source.onerror = () => {
      tokens.drop();
      later();
    };
    for (const name of NAMES) source.addEventListener(name, (event) => receive(name, event));
  };

  const receive = (name: string, event: Event): void => {
    const data = event instanceof MessageEvent ? parseJson(String(event.data)) : undefined;
    if (!closed && data !== undefined) handlers.message(name, data);
  };

  const later = (): void => {
    source?.close();
    if (closed) return;
    // A token that ran out ends a stream too: the first attempt to come back is no alarm.
    handlers.state(waitMs === RETRY_MS_MIN ? "connecting" : "offline");
    clearTimeout(timer);
    timer = setTimeout(connect, waitMs);
    waitMs = Math.min(RETRY_MS_MAX, waitMs * 2);
  };

  handlers.state("connecting");
  void connect();
  return () => {
    closed = true;
    clearTimeout(timer);
    source?.close();
  };
}
