import { FreshetError, type Json, limits } from "@freshet/protocol";
import type { Engine } from "../engine/engine.ts";

/** The latest offset that receipts stand for; -1 where none was given. */
export function offsetOfReceipts(receipts: readonly string[], engine: Engine): number {
  if (receipts.length > limits.receiptsMax) {
    const message = `${receipts.length} receipts were given; at most ${limits.receiptsMax} are taken`;
    throw new FreshetError("receiptInvalid", message);
  }
  return receipts.reduce((latest, receipt) => {
    const offset = engine.offsetOf(receipt);
    if (offset === null) {
      const shown = receipt.slice(0, 60);
      throw new FreshetError("receiptInvalid", `"${shown}" is not a receipt of this server's log`);
    }
    return Math.max(latest, offset);
  }, -1);
}

/** `?atLeast=` once or several times, each with one receipt or several between commas. */
export function receiptsOfQuery(value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value : [value];
  return texts
    .filter((text) => typeof text === "string")
    .flatMap((text) => text.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "");
}

/** `atLeast` of a body: a text or a list of them. */
export function receiptsOfBody(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  const list: readonly Json[] = Array.isArray(value) ? value : [value as Json];
  return list.map((entry) => {
    if (typeof entry === "string") return entry;
    throw new FreshetError("receiptInvalid", '"atLeast" should be a receipt or a list of receipts');
  });
}

/** Waits until what the receipts name can be read; true where it did not come in time, and reads are stale. */
export async function waitStale(offset: number, engine: Engine): Promise<boolean> {
  return !(await engine.waitFor(offset, limits.atLeastWaitMsMax));
}
