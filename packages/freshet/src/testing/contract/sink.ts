import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SendEffect } from "../../core/effect.ts";
import { cancelling, type Sink } from "../../engine/port/sink.ts";

/** What a destination can be told to do with the next effects. */
export type SinkBehaviour = "take" | "busy" | "refuse" | "hang";

/** A destination and the sink before it. */
export interface SinkPlace {
  readonly sink: Sink;
  behave(behaviour: SinkBehaviour): void;
  /** Ids of the effects that arrived, in order, repeats and refused ones included. */
  arrived(): readonly string[];
  remove(): Promise<void>;
}

/** The guarantees K1 to K6 of `engine/port/sink.ts`, for any adapter. */
export function sinkContract(name: string, makePlace: () => Promise<SinkPlace>): void {
  describe(`sink contract: ${name}`, () => {
    let place: SinkPlace;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(async () => {
      await place.sink.close();
      await place.remove();
    });
    const send = (effect: SendEffect) => place.sink.send(effect, cancelling());

    it("says delivered when the destination has the effect", async () => {
      expect(await send(effectOf("e1", "ana"))).toEqual({ kind: "delivered" });
      expect(place.arrived()).toEqual(["e1"]);
    });

    it("K1 sends the same effect again under the same id", async () => {
      await send(effectOf("e1", "ana"));
      await send(effectOf("e1", "ana"));
      expect(place.arrived()).toEqual(["e1", "e1"]);
    });

    it("K2 takes several at once, of different profiles", async () => {
      const ids = Array.from({ length: 10 }, (_, index) => `e${index}`);
      const outcomes = await Promise.all(ids.map((id) => send(effectOf(id, `profile ${id}`))));
      expect(outcomes).toEqual(ids.map(() => ({ kind: "delivered" })));
      expect(place.arrived().toSorted()).toEqual(ids);
    });

    it("K3 says retry and why when the destination cannot, and works on", async () => {
      place.behave("busy");
      expect(await send(effectOf("e1", "ana"))).toMatchObject({ kind: "retry", reason: text });
      place.behave("take");
      expect(await send(effectOf("e1", "ana"))).toEqual({ kind: "delivered" });
    });

    it("K3 says refused and why when the destination will not", async () => {
      place.behave("refuse");
      expect(await send(effectOf("e1", "ana"))).toMatchObject({ kind: "refused", reason: text });
    });

    it("K4 ends soon when it is cancelled, before or during a send", async () => {
      place.behave("hang");
      const during = cancelling();
      const sent = place.sink.send(effectOf("e1", "ana"), during);
      setTimeout(() => during.cancel(), 20);
      expect(await sent).toMatchObject({ kind: "retry" });
      const before = cancelling();
      before.cancel();
      expect(await place.sink.send(effectOf("e2", "ana"), before)).toMatchObject({ kind: "retry" });
    });

    it("K3 says retry after it was closed, twice if need be", async () => {
      await place.sink.close();
      await place.sink.close();
      expect(await send(effectOf("e1", "ana"))).toMatchObject({ kind: "retry" });
    });

    it("carries texts of all scripts and fields of every shape", async () => {
      const fields = { name: "Zoë 😀 \u2028 \"'", list: [1, -2.5, null], deep: { a: { b: true } } };
      expect(await send({ ...effectOf("e1", "user:ünï"), fields })).toEqual({ kind: "delivered" });
    });
  });
}

/** An effect for tests. */
export function effectOf(
  id: string,
  profileId: string,
  more: Partial<SendEffect> = {},
): SendEffect {
  return {
    kind: "send",
    id,
    destination: "crm",
    rule: "welcome",
    profileId,
    at: 1_790_000_000_000,
    cause: `message ${id}`,
    fields: { id },
    ...more,
  };
}

const text = expect.stringMatching(/./);
