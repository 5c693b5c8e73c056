import { Freshet } from "@freshet/sdk/node";

export interface Place {
  readonly url: string;
  readonly writeKey: string;
}

// snippet: server
/** One client for the whole process. */
export function open({ url, writeKey }: Place): Freshet {
  return new Freshet({
    url,
    writeKey,
    onDrop: ({ reason, detail }) => console.error(`event dropped, ${reason}: ${detail}`),
  });
}

export function order(freshet: Freshet, userId: string, total: number): void {
  freshet.track({ userId, event: "Order Completed", properties: { order_id: "o1", total } });
}

/** Before the process ends. What could not be delivered is yours again. */
export async function shutDown(freshet: Freshet): Promise<number> {
  const { undelivered } = await freshet.close({ timeoutMs: 5000 });
  for (const { event } of undelivered) console.error("undelivered", JSON.stringify(event));
  return undelivered.length;
}
// end snippet

// snippet: serverless
/** A function may be frozen between its answer and the next call: wait before you answer. */
export async function handler(freshet: Freshet, userId: string): Promise<object> {
  freshet.track({ userId, event: "Product Viewed", properties: { product_id: "cer-01" } });
  const { homeBanner } = await freshet.decide({ userId }, ["homeBanner"], { timeoutMs: 200 });
  await freshet.flush({ timeoutMs: 1000 });
  return { banner: homeBanner?.content ?? null };
}
// end snippet
