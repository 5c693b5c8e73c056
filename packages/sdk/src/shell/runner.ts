import {
  type Answer,
  type End,
  emptyQueue,
  isCore,
  lentOutcomeOf,
  type OpenRequest,
  outcomeOf,
  type QueueCommand,
  type QueuedEvent,
  type QueueInput,
  type QueueLimits,
  type QueueState,
  step,
  unsettled,
} from "../queue/index.ts";

/** The world that a queue runs in. None of it throws. */
export interface QueuePorts {
  /** Milliseconds that never go back. */
  now(): number;
  /** Sends one request of capture, and resolves with its answer, or with status 0. */
  send(events: readonly QueuedEvent[]): Promise<Answer>;
  /** Called before an event is sent for the first time. */
  keep(event: QueuedEvent): void;
  /** Called once for each event: it is delivered or dropped. */
  settled(events: readonly QueuedEvent[], end: End): void;
}

/** The queue with its timer and its requests under way. */
export interface RunningQueue extends More {
  /** Tells the queue what happened now. */
  feed(input: Untimed): void;
  /** Sends what waits at once; resolves when all that was taken before is settled. */
  flush(): Promise<void>;
}

interface More {
  /** Resolves when no request is open. */
  quiet(): Promise<void>;
  /** Takes what waits along with another request, whose answer settles it. */
  lend(send: (events: readonly QueuedEvent[]) => Promise<Answer>): Promise<Answer>;
  unsettled(): readonly QueuedEvent[];
  /** No timer and no request from now on. */
  stop(): void;
}

/** Runs the pure queue: its commands in their order, one timer, and whoever waits for its end. */
export function runQueue(limits: QueueLimits, ports: QueuePorts): RunningQueue {
  let state = emptyQueue(limits);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let lent: OpenRequest | undefined;
  let waiters: Waiter[] = [];

  const feed = (input: Untimed): void => {
    const next = step(state, { ...input, now: ports.now() }, limits);
    state = next.state;
    for (const command of next.commands) obey(command);
    waiters = waiters.filter(({ until, resolve }) => !until(state) || resolve());
  };

  const obey = (command: QueueCommand): void => {
    if (command.kind === "keep") ports.keep(command.event);
    else if (command.kind === "settle") ports.settled(command.events, command.end);
    else if (command.kind === "wake") wake(command.at);
    else if (isCore || command.kind === "send") send(command.request);
    else lent = command.request;
  };

  const send = ({ number, events }: OpenRequest): void => {
    if (isCore || !isStopped)
      void ports.send(events).then((answer) => settle(number, outcomeOf(answer)));
  };

  const settle = (request: number, outcome: ReturnType<typeof outcomeOf>): void =>
    feed({ kind: "answer", request, outcome, random: Math.random() });

  const wake = (at: number): void => {
    clearTimeout(timer);
    // Timers may come a little early.
    if (at < Number.POSITIVE_INFINITY && (isCore || !isStopped))
      timer = setTimeout(() => feed({ kind: "tick" }), at - ports.now() + 1);
  };

  const when = (until: (state: QueueState) => boolean): Promise<void> =>
    new Promise((resolve) => {
      if (!until(state) || resolve()) waiters.push({ until, resolve });
    });

  /** What the small script does without. */
  const more: More = {
    quiet: () => when(({ open }) => !open.length),
    async lend(send) {
      lent = undefined;
      feed({ kind: "lend" });
      const request = lent as OpenRequest | undefined;
      const answer = await send(request?.events ?? []);
      if (request) settle(request.number, lentOutcomeOf(answer));
      return answer;
    },
    unsettled: () => unsettled(state),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };

  return {
    feed,
    flush() {
      feed({ kind: "flush" });
      const { added } = state;
      return when((now) => unsettled(now).every(({ number }) => number >= added));
    },
    ...(isCore ? ({} as More) : more),
  };
}

interface Waiter {
  readonly until: (state: QueueState) => boolean;
  readonly resolve: () => void;
}

/** An input without its time, each kind for itself. */
type Untimed<Input = QueueInput> = Input extends QueueInput ? Omit<Input, "now"> : never;
