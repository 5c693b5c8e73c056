import { createHash, randomBytes } from "node:crypto";

/** What a broker says of one delivery. */
export interface Delivery {
  readonly packetId: number;
  /** It was sent before on this session, and not acknowledged. */
  readonly isRepeat: boolean;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * Ids for messages of a protocol that has none. A broker numbers a delivery (1 to 65,535, used again once it is
 * acknowledged) and marks it when it sends it again with the same number.
 *
 * - D1 A delivery that is not marked is a new message and gets a new id, whatever it says: two equal readings are two.
 * - D2 One that is marked has the id of the last delivery with its number, where topic and payload are equal too.
 * - D3 The id holds number and hash, so that ids which the log has are enough to go on with after a crash (`known`).
 * - D4 Only the last `deliveriesMax` are remembered: many times what can be unacknowledged at once, and far less than
 *   it takes a broker that counts upwards to come to the same number again.
 */
export class Deliveries {
  readonly #last = new Map<number, { readonly hash: string; readonly id: string }>();

  /** `known` are ids that earlier processes gave, oldest first. */
  constructor(known: Iterable<string> = []) {
    for (const id of known) {
      const found = idForm.exec(id);
      if (found === null) continue;
      const [, own = "", packetId, hash = ""] = found;
      this.#remember(Number(packetId), { hash, id: own });
    }
  }

  idOf({ packetId, isRepeat, topic, payload }: Delivery): string {
    const hash = hashOf(topic, payload);
    const last = this.#last.get(packetId);
    if (isRepeat && last?.hash === hash) return last.id;
    const id = `mqtt-${packetId}-${hash}-${randomBytes(8).toString("hex")}`;
    this.#remember(packetId, { hash, id });
    return id;
  }

  #remember(packetId: number, delivery: { readonly hash: string; readonly id: string }): void {
    // A map keeps its keys in the order of their first insertion: without this an old one would look young.
    this.#last.delete(packetId);
    this.#last.set(packetId, delivery);
    const oldest = this.#last.keys().next();
    if (this.#last.size > deliveriesMax && oldest.done !== true) this.#last.delete(oldest.value);
  }
}

/** Deliveries of one broker that are remembered, to know those that come again. */
export const deliveriesMax = 4096;

/** As it is in the log: with the place of an event in its message where that had several. */
const idForm = /^(mqtt-(\d{1,5})-([0-9a-f]{16})-[0-9a-f]{16})(?::\d+)?$/;

/** A retained message is the same one at every subscription. */
export function retainedId(topic: string, payload: Uint8Array): string {
  return `mqtt-retained-${hashOf(topic, payload)}`;
}

function hashOf(topic: string, payload: Uint8Array): string {
  return createHash("sha256").update(`${topic}\n`).update(payload).digest("hex").slice(0, 16);
}
