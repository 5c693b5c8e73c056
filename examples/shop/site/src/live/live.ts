import { type Cell, cell } from "../cell.ts";
import type { Answer } from "./api.ts";
import { type Connection, connect } from "./connection.ts";
import { type Decisions, offlineDecisions } from "./decision.ts";
import { type Identity, sameIdentity } from "./identity.ts";
import type { LatencyMeter } from "./latency.ts";
import type { Profile } from "./profile.ts";
import type { StreamState } from "./stream.ts";

/** What is known now; views watch it. */
export interface LiveCells {
  readonly state: Cell<StreamState>;
  readonly profile: Cell<Profile | undefined>;
  readonly decisions: Cell<Decisions>;
  /** Milliseconds from click to changed profile, newest last. */
  readonly latencies: Cell<readonly number[]>;
  readonly pushes: Cell<Push | undefined>;
}

export type Push = { readonly [name: string]: unknown };

/**
 * The page's live side: who, what is known, what to show.
 * V1 Everything that arrives for an identity that was left is dropped.
 * V2 A decision is asked for on arrival, after the profile changed, and at once on a push.
 */
export interface Live extends LiveCells {
  become(identity: Identity): void;
  /** An event left the page. */
  expectChange(): void;
  /** Reads with the profile's token. */
  read(path: (profileId: string) => string): Promise<Answer>;
}

export function startLive(meter: LatencyMeter): Live {
  const cells: LiveCells = {
    state: cell<StreamState>("connecting"),
    profile: cell<Profile | undefined>(undefined),
    decisions: cell<Decisions>(offlineDecisions),
    latencies: cell<readonly number[]>([]),
    pushes: cell<Push | undefined>(undefined),
  };
  let current: Connection | undefined;
  return {
    ...cells,
    become(identity) {
      if (sameIdentity(current?.identity, identity)) return;
      current?.leave();
      cells.profile.set(undefined);
      meter.drop();
      current = connect(identity, cells, meter);
    },
    expectChange: () => current?.expectChange(),
    async read(path) {
      if (current === undefined) return { ok: false, status: 0, message: "not connected yet" };
      return current.tokens.ask((token) => path(encodeURIComponent(token.profileId)));
    },
  };
}
