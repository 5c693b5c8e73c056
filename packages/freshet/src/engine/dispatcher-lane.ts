import type { SendEffect } from "../core/effect.ts";
import type { AbandonCode } from "./dispatcher-abandoned.ts";
import { afterFailure, type Breaker, closedBreaker, roomOf } from "./dispatcher-breaker.ts";
import { type DispatchLimits, retryDelayMs } from "./dispatcher-limits.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import type { Clock } from "./port/clock.ts";
import { type Cancelling, cancelling, type Sink, type SinkOutcome } from "./port/sink.ts";

export interface LaneOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** 0 (included) to 1 (excluded): spreads retries. */
  readonly random: () => number;
  readonly alert: (name: ActivationAlert, message: string) => void;
  readonly limits: DispatchLimits;
  /** Asked when an effect leaves: why it must not, by the profile's consent of now; null lets it go. */
  readonly withhold: (effect: SendEffect) => string | null;
}

export type ActivationAlert =
  /** The plan names a destination that the configuration does not have; its effects wait. */
  | "destinationUnknown"
  /** A destination failed several times in a row. */
  | "destinationDown"
  /** A destination said that it is gone; nothing is sent to it until the process starts anew. */
  | "destinationDisabled"
  /** Effects were given up; they are listed and can be retried. At most one a minute and destination. */
  | "effectsAbandoned"
  /** Too many abandoned effects: the oldest were dropped. */
  | "abandonedDropped";

export interface DestinationStatus {
  readonly destination: string;
  /** `unknown`: the configuration does not have it. `disabled`: it said that it is gone. */
  readonly condition: "active" | "disabled" | "unknown";
  readonly breaker: "closed" | "open" | "halfOpen";
  readonly waiting: number;
  readonly inFlight: number;
  /** Counts since the process started. */
  readonly delivered: number;
  readonly retried: number;
  readonly abandoned: number;
  readonly lastError: { readonly message: string; readonly at: number } | null;
  /** How long the oldest effect has been waiting; null where none is. */
  readonly oldestMs: number | null;
}

/**
 * The queue of one destination.
 *
 * - D1 at most `concurrencyMax` sends run at once, and one of a profile: its effects leave in order, a later one only
 *   after the earlier one was delivered or abandoned.
 * - D2 a lane waits for nothing of another lane, and for no send longer than `sendMsMax`.
 * - D3 every entry that is sent ends delivered, abandoned, or still waiting with a time for its next attempt.
 * - D4 nothing is sent while the destination asked for a pause, while its breaker is open, or after it said that it is gone.
 * - D5 an effect that is too old is abandoned only after a failure, its own or (breaker open, gone) its destination's:
 *   a process that was down for long still tries what it has.
 */
export class Lane {
  readonly #sink: Sink;
  readonly #options: LaneOptions;
  readonly #inFlight = new Map<string, Cancelling>();
  readonly #attempts = new Map<string, Attempts>();
  #breaker: Breaker = closedBreaker;
  #pausedUntil = 0;
  #isDisabled = false;
  #isStopped = false;
  #cancelWake: () => void = () => {};
  #onIdle: () => void = () => {};
  #delivered = 0;
  #retried = 0;
  #abandoned = 0;
  #alertedAt = Number.NEGATIVE_INFINITY;
  #droppedSeen: number;
  #lastError: DestinationStatus["lastError"] = null;

  constructor(sink: Sink, options: LaneOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#droppedSeen = options.outbox.abandonedDropped;
  }

  /** Sends what may go now, and sees to it that it is called again when more may. */
  pump(): void {
    this.#cancelWake();
    if (this.#isStopped) return;
    const now = this.#options.clock.now();
    const swept = this.#sweep(now);
    while (this.#inFlight.size < this.#room(now)) {
      const entry = this.#next(now);
      if (entry === null) break;
      void this.#run(entry);
    }
    this.#wakeAt(swept === sweepMax ? now + sweepMs : this.#nextTime(now));
  }

  /** Takes nothing more; resolves when no send is under way, at the latest after `stopMsMax`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelWake();
    if (this.#inFlight.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#options.clock.after(this.#options.limits.stopMsMax, () => {
        for (const flight of this.#inFlight.values()) flight.cancel();
        resolve();
      });
      this.#onIdle = () => {
        cancelTimer();
        resolve();
      };
    });
  }

  status(): DestinationStatus {
    const { outbox, clock } = this.#options;
    const destination = this.#sink.name;
    const now = clock.now();
    const oldest = outbox.peek(destination);
    const breaker = this.#breaker;
    return {
      destination,
      condition: this.#isDisabled ? "disabled" : "active",
      breaker: breaker.kind === "open" && now >= breaker.until ? "halfOpen" : breaker.kind,
      waiting: outbox.waiting(destination),
      inFlight: this.#inFlight.size,
      delivered: this.#delivered,
      retried: this.#retried,
      abandoned: this.#abandoned,
      lastError: this.#lastError,
      oldestMs: oldest === null ? null : Math.max(0, now - oldest.since),
    };
  }

  #room(now: number): number {
    if (this.#isDisabled || now < this.#pausedUntil) return 0;
    return roomOf(this.#breaker, now, this.#options.limits.concurrencyMax);
  }

  /** The oldest entry that may go: the first of its profile (D1), not under way, its delay over. */
  #next(now: number): OutboxEntry | null {
    for (const entry of this.#heads())
      if ((this.#attempts.get(entry.key)?.notBefore ?? 0) <= now) return entry;
    return null;
  }

  /** The first entry of each profile, without those under way. */
  *#heads(): Iterable<OutboxEntry> {
    const profiles = new Set<string>();
    for (const entry of this.#options.outbox.window(this.#sink.name)) {
      const { profileId } = entry.effect;
      if (profiles.has(profileId)) continue;
      profiles.add(profileId);
      if (!this.#inFlight.has(entry.key)) yield entry;
    }
  }

  /** Never rejects: it runs inside a checkpoint's end. */
  async #run(entry: OutboxEntry): Promise<void> {
    const withheld = this.#options.withhold(entry.effect);
    const flight = cancelling();
    this.#inFlight.set(entry.key, flight);
    if (withheld === null) this.#settle(entry, await this.#send(entry, flight));
    else {
      await null;
      this.#abandon(entry, "withheld", withheld);
    }
    this.#inFlight.delete(entry.key);
    if (this.#inFlight.size === 0) this.#onIdle();
    this.pump();
  }

  /** The sink's answer, or the dispatcher's own after `sendMsMax` (D2). */
  #send(entry: OutboxEntry, flight: Cancelling): Promise<SinkOutcome> {
    const { clock, limits } = this.#options;
    return new Promise((resolve) => {
      const cancelTimer = clock.after(limits.sendMsMax, () => flight.cancel());
      const settle = (outcome: SinkOutcome) => {
        cancelTimer();
        resolve(outcome);
      };
      askSink(this.#sink, entry.effect, flight).then(settle, (error: unknown) =>
        settle({ kind: "retry", reason: `the sink failed: ${messageOf(error)}` }),
      );
      // After the sink's own listeners, and a turn later: a sink that ends at once may still say what it knows.
      flight.onCancel(() =>
        clock.after(0, () =>
          settle({ kind: "retry", reason: `no answer after ${limits.sendMsMax} ms` }),
        ),
      );
    });
  }

  #settle(entry: OutboxEntry, outcome: SinkOutcome): void {
    const now = this.#options.clock.now();
    switch (outcome.kind) {
      case "delivered":
        this.#breaker = closedBreaker;
        this.#delivered++;
        this.#attempts.delete(entry.key);
        this.#options.outbox.acknowledge(entry, now);
        return;
      case "retry":
        // A process that stops gives no verdict: what was cut off waits for the next one.
        if (!this.#isStopped) this.#retry(entry, outcome, now);
        return;
      case "refused":
        this.#breaker = closedBreaker;
        this.#fail(outcome.reason, now);
        this.#abandon(entry, "refused", outcome.reason);
        return;
      case "gone":
        this.#isDisabled = true;
        this.#fail(outcome.reason, now);
        this.#abandon(entry, "gone", outcome.reason);
        this.#options.alert(
          "destinationDisabled",
          `destination "${this.#sink.name}" is gone (${outcome.reason}): nothing is sent to it until the next start`,
        );
        return;
    }
  }

  #retry(entry: OutboxEntry, outcome: SinkOutcome & { kind: "retry" }, now: number): void {
    const { limits, random } = this.#options;
    this.#fail(outcome.reason, now);
    this.#trip(now);
    const attempts = (this.#attempts.get(entry.key)?.attempts ?? 0) + 1;
    const askedMs = outcome.retryAfterMs ?? 0;
    const pauseMs = askedMs > 0 ? Math.min(limits.pauseMsMax, askedMs) : 0;
    this.#attempts.set(entry.key, {
      attempts,
      notBefore: now + Math.max(pauseMs, retryDelayMs(attempts, limits, random)),
    });
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
    if (this.#isExpired(entry, now)) this.#abandon(entry, "expired", outcome.reason);
    else if (attempts >= limits.attemptsMax) this.#abandon(entry, "attemptsSpent", outcome.reason);
    else this.#retried++;
  }

  #trip(now: number): void {
    const before = this.#breaker;
    this.#breaker = afterFailure(before, now, this.#options.limits);
    if (before.kind === "open" || this.#breaker.kind === "closed") return;
    const message = `destination "${this.#sink.name}" fails: ${this.#lastError?.message}`;
    this.#options.alert("destinationDown", message);
  }

  #fail(message: string, at: number): void {
    this.#lastError = { message, at };
  }

  #abandon(entry: OutboxEntry, code: AbandonCode, reason: string): void {
    const { outbox, clock, alert } = this.#options;
    const at = clock.now();
    const earlier = this.#attempts.get(entry.key)?.attempts ?? 0;
    const counted = code === "refused" || code === "gone" ? earlier + 1 : earlier;
    this.#attempts.delete(entry.key);
    outbox.abandon(entry, { code, reason, at, attempts: counted });
    this.#abandoned++;
    if (outbox.abandonedDropped > this.#droppedSeen) {
      this.#droppedSeen = outbox.abandonedDropped;
      alert(
        "abandonedDropped",
        `${this.#droppedSeen} oldest abandoned effects were dropped: too many are kept`,
      );
    }
    if (at - this.#alertedAt < alertMs) return;
    this.#alertedAt = at;
    alert(
      "effectsAbandoned",
      `destination "${this.#sink.name}" has ${this.#abandoned} effects abandoned, the last: ${reason}`,
    );
  }

  /** Gives up what is too old while nothing can be sent (D5); returns how many. */
  #sweep(now: number): number {
    if (this.#breaker.kind === "closed" && !this.#isDisabled) return 0;
    const expired: OutboxEntry[] = [];
    for (const entry of this.#options.outbox.window(this.#sink.name)) {
      if (expired.length === sweepMax) break;
      if (!this.#inFlight.has(entry.key) && this.#isExpired(entry, now)) expired.push(entry);
    }
    for (const entry of expired)
      this.#abandon(entry, "expired", this.#lastError?.message ?? "never sent");
    return expired.length;
  }

  #isExpired(entry: OutboxEntry, now: number): boolean {
    return now - entry.since >= this.#options.limits.ageMsMax;
  }

  /** When something may go that may not now, if nothing else happens; null where nothing will. */
  #nextTime(now: number): number | null {
    const { breakerMs, ageMsMax, concurrencyMax } = this.#options.limits;
    // The end of a send is the next time; it spares a busy lane the look through its window.
    if (this.#inFlight.size >= concurrencyMax) return null;
    const isIdle = this.#inFlight.size === 0;
    const times: number[] = [];
    const breaker = this.#breaker;
    const opens = Math.max(this.#pausedUntil, breaker.kind === "open" ? breaker.until : 0);
    if (!this.#isDisabled && (isIdle || breaker.kind === "closed"))
      for (const { key } of this.#heads()) {
        const time = Math.max(opens, this.#attempts.get(key)?.notBefore ?? 0);
        if (time > now) times.push(time);
      }
    if (breaker.kind === "open" || this.#isDisabled) {
      const oldest = this.#options.outbox
        .window(this.#sink.name)
        .find(({ key }) => !this.#inFlight.has(key));
      if (oldest !== undefined) times.push(Math.max(now + breakerMs, oldest.since + ageMsMax));
    }
    return times.length === 0 ? null : times.reduce((earliest, time) => Math.min(earliest, time));
  }

  #wakeAt(time: number | null): void {
    if (time === null) return;
    const delayMs = Math.min(wakeMsMax, Math.max(1, time - this.#options.clock.now()));
    this.#cancelWake = this.#options.clock.after(delayMs, () => this.pump());
  }
}

interface Attempts {
  readonly attempts: number;
  readonly notBefore: number;
}

/** Also a throw before the first await becomes a rejection. */
async function askSink(sink: Sink, effect: SendEffect, flight: Cancelling): Promise<SinkOutcome> {
  return sink.send(effect, flight);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const alertMs = 60_000;
/** Expired effects given up in one turn, and the time to the next turn: neither the loop nor memory is flooded. */
const sweepMax = 200;
const sweepMs = 100;
/** Timers of the platform end at 2^31 ms; waking for nothing once an hour is free. */
const wakeMsMax = 3_600_000;
