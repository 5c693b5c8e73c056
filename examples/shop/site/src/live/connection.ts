import { isFields, text } from "../json.ts";
import { offlineDecisions } from "./decision.ts";
import { type Gathered, gathered } from "./gather.ts";
import type { Identity } from "./identity.ts";
import type { LatencyMeter } from "./latency.ts";
import type { LiveCells, Push } from "./live.ts";
import { emptyProfile, withMessage, withSegment } from "./profile.ts";
import { decide, readProfile } from "./reads.ts";
import { openStream } from "./stream.ts";
import { type TokenKeeper, tokenKeeper } from "./token.ts";

/** The page's connection for one identity, from arriving to leaving. */
export interface Connection {
  readonly identity: Identity;
  readonly tokens: TokenKeeper;
  /** An event left the page: should the stream stay silent, the profile is read anyway. */
  expectChange(): void;
  leave(): void;
}

const LATENCIES_MAX = 24;
/** Some proxies hold a stream back; past this the page stops waiting for it. */
const SILENCE_MS = 1500;

export function connect(identity: Identity, cells: LiveCells, meter: LatencyMeter): Connection {
  const tokens = tokenKeeper(identity);
  let isSilent = false;
  // The stream says when a profile begins; a read before that is a 404, which browsers print in red.
  const mayRead = () => isSilent || (cells.profile.get()?.version ?? 0) > 0;
  const loader = makeLoader({ identity, tokens, mayRead }, cells);
  const refresh = gathered(loader.load);
  let silence: ReturnType<typeof setTimeout> | undefined;

  const heard = (): void => {
    clearTimeout(silence);
    isSilent = false;
    const ms = meter.visible();
    if (ms === undefined) return;
    cells.latencies.set([...cells.latencies.get(), ms].slice(-LATENCIES_MAX));
  };
  const receive = receiver(cells, refresh, heard);
  const closeStream = openStream(tokens, {
    state(state) {
      cells.state.set(state);
      if (state === "live") refresh.now();
    },
    message: (name, data) => isFields(data) && receive(name, data),
  });
  return {
    identity,
    tokens,
    expectChange() {
      clearTimeout(silence);
      silence = setTimeout(() => {
        meter.drop();
        isSilent = true;
        refresh.now();
      }, SILENCE_MS);
    },
    leave() {
      clearTimeout(silence);
      closeStream();
      refresh.stop();
      loader.stop();
    },
  };
}

/** Puts each message of the stream where it belongs; `heard` is called when the profile changed. */
function receiver(
  cells: LiveCells,
  refresh: Gathered,
  heard: () => void,
): (name: string, data: Push) => void {
  // The stream may tell the same effect again after it was reconnected.
  const told = new Set<string>();
  const push = (data: Push): void => {
    const effectId = text(data.effectId);
    if (effectId !== "" && told.has(effectId)) return;
    told.add(effectId);
    cells.pushes.set(data);
    if (data.topic === "banner") refresh.now();
  };
  return (name, data) => {
    if (name === "push") {
      push(data);
      return;
    }
    const known = cells.profile.get() ?? emptyProfile(text(data.profileId));
    if (name === "profile") {
      cells.profile.set(withMessage(known, data));
      heard();
    } else if (name === "segment") cells.profile.set(withSegment(known, data));
    refresh.soon();
  };
}

interface Loader {
  readonly load: () => Promise<void>;
  readonly stop: () => void;
}

interface LoaderOptions {
  readonly identity: Identity;
  readonly tokens: TokenKeeper;
  /** Whether there is a profile to read. */
  readonly mayRead: () => boolean;
}

/** Answers may overtake one another: an older one never replaces a newer one. */
function makeLoader({ identity, tokens, mayRead }: LoaderOptions, cells: LiveCells): Loader {
  let turns = 0;
  let shownTurn = 0;
  let decidedOnce = false;
  let stopped = false;

  const load = async (): Promise<void> => {
    turns += 1;
    const turn = turns;
    const reading = mayRead() ? readProfile(tokens) : undefined;
    const [decided, change] = await Promise.all([decide(identity, tokens), reading]);
    if (stopped || turn < shownTurn) return;
    shownTurn = turn;
    // What was decided for this visitor stays through a failure; what was for another one goes.
    if (decided !== undefined || !decidedOnce) cells.decisions.set(decided ?? offlineDecisions);
    decidedOnce ||= decided !== undefined;
    if (change !== undefined) cells.profile.set(change(cells.profile.get()));
  };
  return {
    load,
    stop: () => {
      stopped = true;
    },
  };
}
