import { readJson } from "@freshet/protocol";
import type { Answer, QueuedEvent } from "../queue/index.ts";
import { idOf, nameOf, type Properties, propertiesOf, timeOf } from "../shell/arguments.ts";
import { withEvents } from "../shell/body.ts";
import {
  type AnyDecision,
  decideMs,
  decisionOf,
  filled,
  undecided,
  within,
} from "../shell/decide.ts";
import { openJournal, type Status } from "../shell/journal.ts";
import type {
  AnyPlan,
  DecideOptions,
  Decisions,
  EventName,
  PlacementName,
  PlanShape,
} from "../shell/plan.ts";
import { runQueue } from "../shell/runner.ts";
import { post } from "../shell/transport.ts";
import { uuid } from "../shell/uuid.ts";
import { version } from "../shell/version.ts";
import { nodeLimits } from "./limits.ts";
import type {
  Alias,
  FlushOptions,
  FlushResult,
  FreshetOptions,
  Group,
  Identify,
  Page,
  Track,
  Who,
} from "./options.ts";

/** Below what proxies in between cut off; the server answers long before. */
const requestMs = 10_000;
const flushMsDefault = 10_000;

/**
 * Capture and decisions of a server, over the same queue as a page. Nothing throws into the program: what cannot be
 * sent is counted and told. The process stays alive while something waits to be sent, and no longer.
 */
export class Freshet<P extends PlanShape = AnyPlan> {
  readonly #url: string;
  readonly #writeKey: string;
  readonly #flushMs: number;
  readonly #journal;
  readonly #queue;
  #receipt: string | undefined;
  readonly #ending = new AbortController();
  #isClosed = false;

  constructor(options: FreshetOptions) {
    const { url, writeKey, onDrop, flushMs = flushMsDefault, limits } = options;
    this.#url = String(url).replace(/\/+$/, "");
    this.#writeKey = String(writeKey);
    this.#flushMs = flushMs;
    this.#journal = openJournal(onDrop);
    this.#queue = runQueue(
      { ...nodeLimits, ...limits },
      {
        now: () => performance.now(),
        send: (events) => this.#send(events),
        keep: () => {},
        settled: (events, end) => this.#journal.settled(events, end),
      },
    );
  }

  track<Name extends EventName<P>>(call: Track<P, Name>): void {
    this.#capture("track", call, () => ({
      event: nameOf(call.event, "event"),
      properties: propertiesOf(call.properties, "properties"),
    }));
  }

  identify(call: Identify): void {
    this.#capture("identify", call, () => ({ traits: propertiesOf(call.traits, "traits") }));
  }

  page(call: Page): void {
    this.#capture("page", call, () => visitOf(call));
  }

  screen(call: Page): void {
    this.#capture("screen", call, () => visitOf(call));
  }

  group(call: Group): void {
    this.#capture("group", call, () => ({
      groupId: idOf(call.groupId, "groupId"),
      traits: propertiesOf(call.traits, "traits"),
    }));
  }

  alias(call: Alias): void {
    this.#capture("alias", call, () => ({ previousId: idOf(call.previousId, "previousId") }));
  }

  /**
   * Sends what waits, and waits for what is under way and for what has to be sent again, up to the time-out. Says
   * what the server does not have; that goes on being sent.
   */
  async flush({ timeoutMs = this.#flushMs }: FlushOptions = {}): Promise<FlushResult> {
    await within(this.#queue.flush(), timeoutMs, undefined);
    const undelivered = this.#queue.unsettled().map(({ id, text }) => ({
      messageId: id,
      event: readJson(text),
    }));
    return { undelivered, dropped: this.#journal.status().dropped };
  }

  /** The same for the last time: nothing is taken and nothing is sent any more. */
  async close(options: FlushOptions = {}): Promise<FlushResult> {
    this.#isClosed = true;
    const result = await this.flush(options);
    this.#queue.stop();
    // What is still under way would keep the process alive.
    this.#ending.abort();
    return result;
  }

  /**
   * What to show to somebody; the events that wait go along, so that the decision knows of them. Never rejects: after
   * `timeoutMs` it gives the fallback.
   */
  async decide<const Name extends PlacementName<P>>(
    who: Who,
    placements: readonly Name[],
    options: Omit<DecideOptions<P, Name>, "fresh"> & { readonly context?: Properties } = {},
  ): Promise<Decisions<P, Name>> {
    const { timeoutMs = decideMs, context } = options;
    const fallback: { readonly [name: string]: unknown } = options.fallback ?? {};
    const asked = this.#decide({ ...who, placements, ...(context ? { context } : {}) });
    const answer = await within<Answer | null>(asked, timeoutMs, null);
    const decisions = placements.map((name): [string, AnyDecision] => {
      const decision = answer === null ? undecided("timeout") : decisionOf(answer, name);
      return [name, filled(decision, fallback[name])];
    });
    return Object.fromEntries(decisions) as Decisions<P, Name>;
  }

  status(): Status {
    return this.#journal.status();
  }

  async #decide(fields: object): Promise<Answer> {
    const atLeast = this.#receipt === undefined ? {} : { atLeast: this.#receipt };
    const ask = (events: readonly QueuedEvent[]) =>
      this.#post("/v1/decide", withEvents({ ...fields, ...atLeast }, "events", events));
    return this.#isClosed ? ask([]) : this.#queue.lend(ask);
  }

  #send(events: readonly QueuedEvent[]): Promise<Answer> {
    return this.#post("/v1/batch", withEvents({ writeKey: this.#writeKey }, "batch", events));
  }

  async #post(path: string, body: string): Promise<Answer> {
    const authorization = `Basic ${btoa(`${this.#writeKey}:`)}`;
    const answer = await post(this.#url + path, body, {
      headers: { "content-type": "application/json", authorization },
      signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(requestMs)]),
    });
    const { receipt } = (answer.body ?? {}) as { readonly receipt?: unknown };
    if (typeof receipt === "string") this.#receipt = receipt;
    return answer;
  }

  #capture(type: string, call: object, fieldsOf: () => object): void {
    this.#journal.take();
    try {
      if (this.#isClosed) throw new TypeError("the client was closed before this call");
      const { messageId, timestamp, context, integrations } = call as Partial<Identify>;
      const event = {
        type,
        messageId: messageId ?? uuid(),
        timestamp: timeOf(timestamp, Date.now()),
        ...whoOf(call),
        ...fieldsOf(),
        ...(integrations === undefined ? {} : { integrations }),
        context: { library: { name: "freshet-node", version }, ...context },
      };
      this.#queue.feed({ kind: "add", id: event.messageId, text: JSON.stringify(event) });
    } catch (error) {
      this.#journal.drop({ reason: "invalid", detail: String(error) }, call);
    }
  }
}

function whoOf(call: { readonly userId?: unknown; readonly anonymousId?: unknown }): object {
  const { userId, anonymousId } = call;
  if (userId == null && anonymousId == null)
    throw new TypeError('one of "userId" and "anonymousId" is needed');
  return {
    ...(userId == null ? {} : { userId: idOf(userId, "userId") }),
    ...(anonymousId == null ? {} : { anonymousId: idOf(anonymousId, "anonymousId") }),
  };
}

function visitOf({ name, category, properties }: Page): object {
  const names = {
    ...(name === undefined ? {} : { name }),
    ...(category === undefined ? {} : { category }),
  };
  return { ...names, properties: { ...names, ...propertiesOf(properties, "properties") } };
}
