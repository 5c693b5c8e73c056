/** Sends a CloudEvent with the SDK of CloudEvents. */
import { CloudEvent, emitterFor, httpTransport, Mode } from "cloudevents";
import type { Place } from "./client.ts";

// snippet: cloudevents
export async function emitView(place: Place, userId: string, id: string): Promise<void> {
  const emit = emitterFor(httpTransport(`${place.url}/v1/events?writeKey=${place.writeKey}`), {
    mode: Mode.BINARY,
  });
  const event = new CloudEvent({
    id,
    source: "/shop/till-7",
    type: "Product Viewed",
    subject: userId,
    data: { product_id: "p1", category: "Ceramics" },
  });
  const { body } = (await emit(event)) as { readonly body: string };
  const answer = JSON.parse(body) as { readonly success: boolean; readonly error?: object };
  if (!answer.success) throw new Error(body);
}
// end snippet
