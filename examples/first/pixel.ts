/** An image and a beacon: events from where no script runs, and from a page that is being left. */
import type { Place } from "./client.ts";

// snippet: pixel
/** Address of an image that counts as an event when somebody's mail client or browser shows it. */
export function pixelUrl(place: Pick<Place, "url" | "writeKey">, userId: string): string {
  const query = new URLSearchParams({
    writeKey: place.writeKey,
    event_type: "Product Viewed",
    user_id: userId,
    "p.product_id": "p1",
    "p.category": "Ceramics",
  });
  return `${place.url}/v1/pixel.gif?${query}`;
}
// end snippet

// snippet: beacon
/** In a page: what is left over goes out while the page goes away. */
export function sendOnLeaving(
  place: Pick<Place, "url" | "writeKey">,
  leftOver: () => readonly object[],
): void {
  addEventListener("pagehide", () => {
    const body = JSON.stringify({ batch: leftOver(), sentAt: new Date().toISOString() });
    navigator.sendBeacon(`${place.url}/v1/beacon?writeKey=${place.writeKey}`, body);
  });
}
// end snippet
