import { createFreshet, type Freshet } from "@freshet/sdk";
import { startAuto } from "@freshet/sdk/auto";

// snippet: start
/** Once in a page. With `createFreshet<Shop>` and the types of your plan, a wrong name does not compile. */
export function start(url: string, writeKey: string): Freshet {
  const freshet = createFreshet({
    url,
    writeKey,
    onDrop: ({ reason, detail }) => console.info(`not captured, ${reason}: ${detail}`),
  });
  startAuto(freshet, { video: false });
  return freshet;
}
// end snippet

// snippet: visit
export async function visit(freshet: Freshet): Promise<string> {
  freshet.identify("ana", { name: "Ana" });
  for (const product_id of ["cer-01", "cer-02", "cer-03"])
    freshet.track("Product Viewed", { product_id });
  // The three views are taken along, so the decision knows of them.
  const { homeBanner } = await freshet.decide(["homeBanner"], {
    timeoutMs: 2000,
    fallback: { homeBanner: { title: "Welcome" } },
  });
  return `${homeBanner?.reason}: ${homeBanner?.content?.title}`;
}
// end snippet

// snippet: subscribe
/** Returns what ends it. */
export function follow(freshet: Freshet, show: (title: unknown) => void): () => void {
  return freshet.subscribe("homeBanner", ({ content }) => show(content.title));
}
// end snippet
