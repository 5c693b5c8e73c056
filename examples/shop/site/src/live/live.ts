import { type Cell, cell } from "../cell.ts";
import { fields, isFields, text } from "../json.ts";
import type { Answer } from "./api.ts";
import { type Decisions, decisionsOf, offlineDecisions } from "./decision.ts";
import { type Identity, sameIdentity } from "./identity.ts";
import type { LatencyMeter } from "./latency.ts";
import { emptyProfile, type Profile, withMessage, withRead, withSegment } from "./profile.ts";
import { openStream, type StreamState } from "./stream.ts";
import { type TokenKeeper, tokenKeeper } from "./token.ts";

/**
 * The page's live connection: who, what is known, what to show.
 * V1 Everything that arrives for an identity that was left is dropped.
 * V2 A decision is asked for on arrival, after the profile changed, and at once on a push.
 */
export interface Live {
  readonly state: Cell<StreamState>;
  readonly profile: Cell<Profile | undefined>;
  readonly decisions: Cell<Decisions>;
  /** From click to changed profile, newest last. */
  readonly latencies: Cell<readonly number[]>;
  readonly pushes: Cell<Push | undefined>;
  become(identity: Identity): void;
  /** An event left the page: should the stream stay silent, the profile is read anyway. */
  expectChange(): void;
  /** Reads with the profile's token. */
  read(path: (profileId: string) => string): Promise<Answer>;
}

export type Push = { readonly [name: string]: unknown };

interface Connection {
  readonly identity: Identity;
  readonly tokens: TokenKeeper;
  readonly leave: () => void;
  /** A decision for this identity was shown. */
  decided: boolean;
}

/** Several events of one click arrive together; one question answers all of them. */
const GATHER_MS = 120;
const LATENCIES_MAX = 24;
/** Some proxies hold a stream back; past this the page stops waiting for it. */
const SILENCE_MS = 1500;

export function startLive(meter: LatencyMeter): Live {
  const live = {
    state: cell<StreamState>("connecting"),
    profile: cell<Profile | undefined>(undefined),
    decisions: cell<Decisions>(offlineDecisions),
    latencies: cell<readonly number[]>([]),
    pushes: cell<Push | undefined>(undefined),
  };
  let current: Connection | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  const seen = new Set<string>();
  let turns = 0;
  let shownTurn = 0;

  return { ...live, become, read, expectChange };

  function become(identity: Identity): void {
    if (sameIdentity(current?.identity, identity)) return;
    current?.leave();
    live.profile.set(undefined);
    meter.drop();
    const tokens = tokenKeeper(identity);
    const refresh = gathered(() => load(identity, tokens));
    const leaveStream = openStream(tokens, {
      state: (state) => {
        live.state.set(state);
        if (state === "live") refresh.now();
      },
      message: (name, data) => isFields(data) && receive(name, data, refresh),
    });
    const leave = (): void => {
      leaveStream();
      refresh.stop();
    };
    current = { identity, tokens, decided: false, leave };
  }

  function expectChange(): void {
    clearTimeout(silence);
    silence = setTimeout(() => {
      meter.drop();
      if (current !== undefined) void load(current.identity, current.tokens);
    }, SILENCE_MS);
  }

  function receive(name: string, data: Push, refresh: Gathered): void {
    if (name === "profile") {
      clearTimeout(silence);
      const known = live.profile.get() ?? emptyProfile(text(data.profileId));
      live.profile.set(withMessage(known, data));
      const ms = meter.visible();
      if (ms !== undefined) live.latencies.set([...live.latencies.get(), ms].slice(-LATENCIES_MAX));
      refresh.soon();
    } else if (name === "segment") {
      const known = live.profile.get();
      if (known !== undefined) live.profile.set(withSegment(known, data));
      refresh.soon();
    } else if (isNew(text(data.effectId))) {
      live.pushes.set(data);
      if (data.topic === "banner") refresh.now();
    }
  }

  /** The stream may tell the same effect again after it was reconnected. */
  function isNew(effectId: string): boolean {
    if (effectId !== "" && seen.has(effectId)) return false;
    seen.add(effectId);
    return true;
  }

  /** Answers may overtake one another; an older one never replaces a newer one. */
  async function load(identity: Identity, tokens: TokenKeeper): Promise<void> {
    turns += 1;
    const turn = turns;
    const [decided, profile] = await Promise.all([decide(identity, tokens), readProfile(tokens)]);
    if (current?.identity !== identity || turn < shownTurn) return;
    shownTurn = turn;
    // What was decided for this visitor stays through a failure; what was for another one goes.
    if (decided !== undefined || !current.decided) live.decisions.set(decided ?? offlineDecisions);
    current.decided ||= decided !== undefined;
    if (profile !== undefined) live.profile.set(profile(live.profile.get()));
  }

  async function read(path: (profileId: string) => string): Promise<Answer> {
    if (current === undefined) return { ok: false, status: 0, message: "not connected yet" };
    return current.tokens.ask((token) => path(encodeURIComponent(token.profileId)));
  }
}

async function decide(identity: Identity, tokens: TokenKeeper): Promise<Decisions | undefined> {
  const placements = ["homeBanner", "recommended"];
  const body = { ...identity, placements, explain: true };
  const answer = await tokens.ask(() => "/v1/decide", { method: "POST", body });
  return answer.ok && isFields(fields(answer.body).decisions)
    ? decisionsOf(answer.body)
    : undefined;
}

/** Gives a function from what was known meanwhile to what is known now. */
async function readProfile(
  tokens: TokenKeeper,
): Promise<((known: Profile | undefined) => Profile) | undefined> {
  const token = await tokens.get();
  if (token === undefined) return undefined;
  const answer = await tokens.ask((it) => `/v1/profiles/${encodeURIComponent(it.profileId)}`);
  // A profile that nobody has heard of yet is no error: it begins with the first event.
  if (!answer.ok && answer.status !== 404) return undefined;
  return (known) => {
    const base = known ?? emptyProfile(token.profileId);
    return answer.ok ? withRead(base, answer.body) : base;
  };
}

interface Gathered {
  soon(): void;
  now(): void;
  stop(): void;
}

function gathered(work: () => Promise<void>): Gathered {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const now = (): void => {
    clearTimeout(timer);
    timer = undefined;
    void work();
  };
  return {
    now,
    soon: () => {
      timer ??= setTimeout(now, GATHER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}
