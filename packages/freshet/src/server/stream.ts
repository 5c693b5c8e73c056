import type { ServerResponse } from "node:http";
import { FreshetError, type Json } from "@freshet/protocol";
import type { Clock } from "../engine/port/clock.ts";
import type { EngineListener } from "../engine/port/listener.ts";
import { type ServerLimits, serverLimits } from "./limits.ts";

/** A profile as a page follows it. */
export interface StreamProfile {
  readonly profileId: string;
  readonly version: number;
  readonly features: { readonly [name: string]: Json };
  readonly segments: readonly string[];
  readonly asOf: number;
}

export interface Subscription {
  readonly profileId: string;
  /** When the page's token ends, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** The profile as it is now, an empty one while nobody has seen it. */
  readonly read: () => StreamProfile;
}

export interface StreamHubOptions {
  readonly clock: Clock;
  readonly limits?: Partial<ServerLimits>;
  /** Told when a stream was cut because its reader was too slow. */
  readonly onDropped?: () => void;
}

/**
 * Open pages and what they hear: the bridge from the engine's thread of work to server-sent events.
 *
 * - H1 the listener only notes and schedules; nothing is read or written inside the engine's call, pushes excepted,
 *   which are one write.
 * - H2 profile changes are gathered for `streamGatherMs`; the last one is always delivered.
 * - H3 a connection never holds more than `streamBytesMax` unsent bytes: past that it is cut.
 * - H4 a page hears of its own profile only, up to the moment that the profile belongs to somebody else.
 */
export class StreamHub {
  readonly #clock: Clock;
  readonly #limits: ServerLimits;
  readonly #onDropped: () => void;
  readonly #byProfile = new Map<string, Set<Connection>>();
  #count = 0;
  #isClosed = false;

  constructor(options: StreamHubOptions) {
    this.#clock = options.clock;
    this.#limits = { ...serverLimits, ...options.limits };
    this.#onDropped = options.onDropped ?? (() => {});
  }

  get connections(): number {
    return this.#count;
  }

  /** The part of an engine's listener that is about pages. */
  readonly listener: Omit<EngineListener, "alert"> = {
    wants: (profileId) => this.#byProfile.has(profileId),
    profileChanged: (profileId, state) => {
      const owner = state.owner === null ? null : `user:${state.owner.userId}`;
      for (const connection of this.#of(profileId)) {
        if (owner === null) connection.profileChanged();
        else connection.linked(owner);
      }
    },
    pushed: ({ profileId, topic, rule, id, at, fields }) => {
      for (const connection of this.#of(profileId))
        connection.send("push", { ...fields, topic, rule, effectId: id, at });
    },
    segmentChanged: ({ profileId, segment, change, at }) => {
      for (const connection of this.#of(profileId))
        connection.send("segment", { segment, change, at });
    },
  };

  /** Throws where no more can be served. To be called before anything of the answer is written. */
  admit(): void {
    if (this.#isClosed) throw new FreshetError("shuttingDown", "the server is stopping");
    if (this.#count >= this.#limits.streamsMax) {
      throw new FreshetError("overloaded", `${this.#count} streams are open, which is the limit`);
    }
  }

  /** Takes over an answer whose head is written. */
  connect(response: ServerResponse, subscription: Subscription): void {
    const { profileId } = subscription;
    const connection: Connection = new Connection(response, subscription, {
      clock: this.#clock,
      limits: this.#limits,
      onDropped: this.#onDropped,
      onClosed: () => this.#remove(profileId, connection),
    });
    const others = this.#byProfile.get(profileId);
    if (others === undefined) this.#byProfile.set(profileId, new Set([connection]));
    else others.add(connection);
    this.#count++;
    connection.open();
  }

  /** Ends every stream; pages connect again, to another process. */
  close(): void {
    this.#isClosed = true;
    for (const connections of [...this.#byProfile.values()])
      for (const connection of [...connections]) connection.end();
  }

  #of(profileId: string): readonly Connection[] {
    const connections = this.#byProfile.get(profileId);
    return connections === undefined ? [] : [...connections];
  }

  #remove(profileId: string, connection: Connection): void {
    const connections = this.#byProfile.get(profileId);
    if (connections?.delete(connection) !== true) return;
    this.#count--;
    if (connections.size === 0) this.#byProfile.delete(profileId);
  }
}

interface ConnectionOptions {
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly onDropped: () => void;
  readonly onClosed: () => void;
}

class Connection {
  readonly #response: ServerResponse;
  readonly #subscription: Subscription;
  readonly #options: ConnectionOptions;
  #isOpen = true;
  #sentAt = 0;
  /** JSON of each feature and segment as they were last sent, to tell what changed. */
  #sent: ReadonlyMap<string, string> | null = null;
  #cancelFlush: (() => void) | null = null;
  #cancelHeartbeat: () => void = () => {};
  #cancelExpiry: () => void = () => {};

  constructor(response: ServerResponse, subscription: Subscription, options: ConnectionOptions) {
    this.#response = response;
    this.#subscription = subscription;
    this.#options = options;
  }

  open(): void {
    const { clock, limits } = this.#options;
    this.#response.on("error", () => this.#close()).on("close", () => this.#close());
    if (this.#response.destroyed) {
      this.#close();
      return;
    }
    this.#write(`retry: ${limits.streamRetryMs}\n\n`);
    const remaining = Math.max(0, this.#subscription.expiresAt - clock.now());
    this.#cancelExpiry = clock.after(remaining, () => this.end());
    this.#scheduleHeartbeat();
    this.#flush();
  }

  profileChanged(): void {
    if (!this.#isOpen || this.#cancelFlush !== null) return;
    const { clock, limits } = this.#options;
    const delay = Math.max(0, this.#sentAt + limits.streamGatherMs - clock.now());
    this.#cancelFlush = clock.after(delay, () => this.#flush());
  }

  /** The profile lives on as somebody's, whom this page has no token for (H4). */
  linked(owner: string): void {
    this.send("linked", { profileId: owner });
    this.end();
  }

  send(event: string, data: object): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#close();
    this.#response.end();
  }

  #flush(): void {
    this.#cancelFlush = null;
    if (!this.#isOpen) return;
    this.#sentAt = this.#options.clock.now();
    const profile = this.#subscription.read();
    const { changed, now } = compare(this.#sent ?? new Map(), profile);
    const isFirst = this.#sent === null;
    this.#sent = now;
    this.send("profile", { ...profile, changed: isFirst ? [] : changed });
  }

  #scheduleHeartbeat(): void {
    const { clock, limits } = this.#options;
    this.#cancelHeartbeat = clock.after(limits.streamHeartbeatMs, () => {
      this.#write(": still here\n\n");
      if (this.#isOpen) this.#scheduleHeartbeat();
    });
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    this.#response.write(text);
    if (this.#response.writableLength <= this.#options.limits.streamBytesMax) return;
    this.#close();
    this.#response.destroy();
    this.#options.onDropped();
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelFlush?.();
    this.#cancelHeartbeat();
    this.#cancelExpiry();
    this.#options.onClosed();
  }
}

/** Names of what differs from last time; those of segments are told apart by their prefix. */
function compare(
  before: ReadonlyMap<string, string>,
  profile: StreamProfile,
): { readonly changed: string[]; readonly now: Map<string, string> } {
  const now = new Map<string, string>();
  for (const [name, value] of Object.entries(profile.features))
    now.set(name, JSON.stringify(value));
  for (const name of profile.segments) now.set(`segment:${name}`, "true");
  const changed = [...now]
    .filter(([name, text]) => before.get(name) !== text)
    .map(([name]) => name);
  for (const name of before.keys()) if (!now.has(name)) changed.push(name);
  return { changed, now };
}
