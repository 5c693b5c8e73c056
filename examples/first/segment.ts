/** Segment's own SDK for Node, with nothing changed but its host. */
import { Analytics } from "@segment/analytics-node";

// snippet: node
export function analyticsFor(url: string, writeKey: string): Analytics {
  return new Analytics({ writeKey, host: url, flushAt: 20, flushInterval: 500 });
}
// end snippet
