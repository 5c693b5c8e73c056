import type { Random } from "../random.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { OutsideLedger } from "./ledger.ts";
import type { Server } from "./server.ts";
import type { Sabotage, Weather } from "./world.ts";

interface SinkOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly weather: Weather;
  readonly ledger: OutsideLedger;
  readonly server: Server;
  readonly sabotage: Sabotage | undefined;
}

/** Takes effects out of the outbox: slow, failing at times, and at times taking one without saying so. */
export class Sink {
  readonly #options: SinkOptions;
  #busy = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, server } = this.#options;
    const turn = () => {
      const outbox = server.engine?.outbox;
      if (this.#busy === 0) for (const name of outbox?.destinations() ?? []) this.#take(name, 20);
      clock.after(25, turn);
    };
    turn();
  }

  isIdle(): boolean {
    const outbox = this.#options.server.engine?.outbox;
    return (
      this.#busy === 0 &&
      (outbox?.destinations() ?? []).every((name) => outbox?.waiting(name) === 0)
    );
  }

  #take(destination: string, left: number): void {
    const { clock, random, weather, ledger, server, sabotage } = this.#options;
    const { engine } = server;
    const entry = engine?.outbox.peek(destination);
    if (engine == null || entry == null || left === 0) return;
    this.#busy++;
    clock.after(random.below(server.isRough ? weather.sinkDelayMsMax : 3), () => {
      this.#busy--;
      if (random.chance(weather.sinkFailureShare)) return;
      const { effect } = entry;
      const before = ledger.delivered.size;
      for (const id of sabotage?.effectIds?.(effect.id, before) ?? [effect.id])
        ledger.deliver(effect, id);
      if (server.engine !== engine || random.chance(weather.sinkFailureShare / 3)) return;
      engine.outbox.acknowledge(entry);
      this.#take(destination, left - 1);
    });
  }
}
