import type { JsonObject } from "@freshet/protocol";
import type { AcceptedEvent } from "../../core/event.ts";
import { partOf } from "../../core/event.ts";
import type { LogRecord } from "../../core/record.ts";
import { partitionOf } from "../../engine/partition.ts";
import type { Random } from "../random.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { OutsideLedger } from "./ledger.ts";
import type { Weather } from "./world.ts";

/** What a client sends; the server stamps the rest. */
type Message =
  | { readonly kind: "event"; readonly event: AcceptedEvent }
  | { readonly kind: "broken"; readonly id: string };

export interface TrafficOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly weather: Weather;
  readonly ledger: OutsideLedger;
  /** Appends; null while nobody is there to answer. Rejects where the log refuses. */
  send(records: readonly LogRecord[]): Promise<void> | null;
}

/**
 * People with devices that they share, log in and out on, and go on with anonymously; and the network in between,
 * which loses requests and answers, doubles and delays them. Who gets no answer sends the same messages again.
 */
export class Traffic {
  readonly #options: TrafficOptions;
  #ids = 0;
  #attempts = 0;
  #until = 0;
  /** Requests that have no answer yet. */
  open = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** A number for what somebody else sends as well. */
  nextAttempt(): number {
    return this.#attempts++;
  }

  start(): void {
    const { clock, weather } = this.#options;
    this.#until = clock.now() + weather.trafficMs;
    for (let index = 0; index < weather.people; index++) this.#person(index);
  }

  #person(index: number): void {
    const { clock, weather } = this.#options;
    const random = this.#options.random.fork();
    let device = random.below(weather.devices);
    let userId: string | null = null;
    const act = () => {
      if (clock.now() > this.#until) return;
      if (random.chance(0.12)) userId = userId === null ? `u${index}` : null;
      if (random.chance(0.08)) device = random.below(weather.devices);
      const who = identity(userId, random.chance(0.1) && userId !== null ? null : `d${device}`);
      const messages = Array.from({ length: random.chance(0.7) ? 1 : 1 + random.below(5) }, () =>
        this.#message(random, who),
      );
      this.#request(random, messages);
      clock.after(1 + random.below(weather.pauseMsMax), act);
    };
    clock.after(random.below(2000), act);
  }

  #message(random: Random, who: ReturnType<typeof identity>): Message {
    const { clock, weather } = this.#options;
    const id = `m${this.#ids++}`;
    if (random.chance(0.03)) return { kind: "broken", id };
    const late = random.chance(0.3) ? random.below(weather.lateMsMax + 1) : 0;
    // Some clients' clocks are ahead: the server clamps.
    const time = clock.now() - late + (random.chance(0.1) ? random.below(5000) : 0);
    const event = { id, time, source: "shop", ...who, ...content(random) };
    return { kind: "event", event };
  }

  /** Until it is answered, or the person loses patience. */
  #request(random: Random, messages: readonly Message[], triesLeft = 12): void {
    const { clock, weather } = this.#options;
    let isAnswered = false;
    this.open++;
    const again = clock.after(400 + 2 * weather.latencyMsMax + random.below(1500), () => {
      this.open--;
      if (isAnswered || triesLeft === 0) return;
      this.#options.ledger.count("retried");
      this.#request(random, messages, triesLeft - 1);
    });
    const answer = () => {
      if (isAnswered) return;
      isAnswered = true;
      this.open--;
      again();
    };
    for (let copy = 0; copy < (random.chance(weather.doubleShare) ? 2 : 1); copy++)
      this.#travel(random, () => this.#arrive(random, messages, answer));
  }

  #travel(random: Random, arrive: () => void): void {
    const { clock, weather } = this.#options;
    if (random.chance(weather.lossShare)) return;
    clock.after(random.below(weather.latencyMsMax + 1), arrive);
  }

  #arrive(random: Random, messages: readonly Message[], answer: () => void): void {
    const { ledger } = this.#options;
    const records = messages.map((message) => this.#record(message));
    const work = this.#options.send(records);
    if (work === null) return;
    work.then(
      () => this.#travel(random, answer),
      () => ledger.refuse(records),
    );
  }

  #record(message: Message): LogRecord {
    const { clock, weather } = this.#options;
    const at = clock.now();
    const attempt = this.#attempts++;
    if (message.kind === "broken") {
      const { id } = message;
      const letter = { id, code: "notJson", message: "no", source: "shop", at, event: { attempt } };
      return { kind: "deadLetter", partition: attempt % weather.partitions, at, letter };
    }
    const { event } = message;
    const key = partOf(event);
    return {
      kind: "event",
      partition: partitionOf(key, weather.partitions),
      at,
      key,
      event: { ...event, time: Math.min(event.time, at), context: { attempt } },
    };
  }
}

function identity(userId: string | null, anonymousId: string | null) {
  return {
    ...(userId === null ? {} : { userId }),
    ...(anonymousId === null ? {} : { anonymousId }),
  };
}

const categories = ["shoes", "Shoes", "hats", "bags", ""];

type Content = Pick<AcceptedEvent, "type" | "name" | "version" | "properties" | "traits">;

function content(random: Random): Content {
  const bot = random.chance(0.04) ? { bot: true } : {};
  if (random.chance(0.12)) {
    const traits = { tier: random.pick(["gold", "silver"]), plan: { seats: random.below(4) } };
    return { type: "identify", name: "Identify", properties: {}, traits };
  }
  if (random.chance(0.22)) {
    const hundredths = random.below(10_000);
    const [euros, cents] = [Math.floor(hundredths / 100), hundredths % 100];
    return random.chance(0.4)
      ? { type: "track", name: "Ordered", properties: { euros, cents, ...bot } }
      : {
          type: "track",
          name: "Ordered",
          version: 2,
          properties: { total: hundredths / 100, ...bot },
        };
  }
  if (random.chance(0.03)) return { type: "page", name: "Page", properties: { path: "/" } };
  const properties: JsonObject = {
    product: `p${random.below(9)}`,
    ...(random.chance(0.8) ? { category: random.pick(categories) } : {}),
    ...(random.chance(0.7) ? { price: random.below(4000) / 100 } : {}),
    ...(random.chance(0.05) ? { broken: true } : {}),
    ...bot,
  };
  return { type: "track", name: "Viewed", properties };
}
