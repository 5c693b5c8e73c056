import { type Answer, fieldOf, type QueuedEvent, utf8Bytes } from "../queue/index.ts";
import { withEvents } from "../shell/body.ts";
import { post } from "../shell/transport.ts";

/** Browsers let a page have 64 KiB under way that may outlive it; other scripts of the page want some too. */
const outliveBytesMax = 60 * 1024;
/** Key and time around the events. */
const envelopeBytes = 300;
/** Longer than a slow phone needs for a batch. */
const requestMs = 20_000;

/** Requests of a page. As plain text they need no preflight, which an ending page would not live to see answered. */
export function openSender({ url, writeKey }: { readonly url: string; readonly writeKey: string }) {
  let underWay = 0;
  /** False after such a request failed: another script may have used up what the page may have. */
  let mayOutlive = true;
  let receipt: unknown;

  const ask = async (path: string, body: string, keepalive = false): Promise<Answer> => {
    const signal = AbortSignal.timeout(requestMs);
    const answer = await post(url + path, body, { keepalive, signal });
    receipt = fieldOf(answer, "receipt") ?? receipt;
    return answer;
  };

  return {
    ask,
    /** What the server said of the newest events that it has. */
    receipt: () => receipt,
    bytesLeft: () => outliveBytesMax - underWay - envelopeBytes,
    async send(events: readonly QueuedEvent[]): Promise<Answer> {
      const body = withEvents({ writeKey }, "batch", events);
      const bytes = utf8Bytes(body);
      const keepalive = mayOutlive && underWay + bytes <= outliveBytesMax;
      if (keepalive) underWay += bytes;
      const answer = await ask("/v1/batch", body, keepalive);
      if (keepalive) underWay -= bytes;
      mayOutlive = answer.status !== 0 || !keepalive;
      return answer;
    },
  };
}
