import type { Json, JsonObject } from "@freshet/protocol";

/**
 * What a server must do for Segment's clients, as data: what is sent byte for byte, what must be answered and what must
 * be stored. Sections are those of the wire: 1 paths, 2 keys, 3 bodies, 4 limits, 5 statuses, 6 CORS, 7 leaving a page.
 */
export interface ConformanceCase {
  /** `<topic>-<what>`, unique, stable: reports and `--only` name it. */
  readonly id: string;
  readonly section: Section;
  /** A sentence about the server. */
  readonly title: string;
  /** What the target must offer for it; without it the case is not checked. */
  readonly needs?: "outage" | "keyKind";
  /** Called right before it is sent, so that its times are fresh. */
  script(scene: Scene): Script;
}

export type Section = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** What is different in each run: no two cases, and no two runs, share an id or a person. */
export interface Scene {
  readonly writeKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly userId: string;
  readonly anonymousId: string;
  /** The same id for the same name. */
  messageId(name: string): string;
  /** What the write key is for, where the target says so. */
  readonly keyKind: KeyKind | undefined;
}

/** Keys of pages are public, so their servers believe less: the address is that of the connection. */
export type KeyKind = "browser" | "server";

export interface Script {
  /** One after the other; each is one connection. */
  readonly connections: readonly Connection[];
  readonly stored?: readonly Stored[];
}

export interface Connection {
  readonly exchanges: readonly Exchange[];
  /** True: the server cannot keep anything meanwhile (`needs: "outage"`). */
  readonly duringOutage?: true;
}

export interface Exchange {
  readonly request: RawRequest;
  /** Null where the connection is cut before the request is complete: nobody waits for an answer. */
  readonly answer: AnswerRule | null;
}

/** A request as bytes: names and order of headers are kept, and nothing is added but `Host` and the body's length. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body?: string | Uint8Array;
  /** With a `Content-Length` unless said. */
  readonly transfer?: Transfer;
}

export type Header = readonly [name: string, value: string];

export type Transfer =
  | { readonly kind: "chunked"; readonly bytes: number }
  /** Only so many bytes of the body; then the connection is cut. */
  | { readonly kind: "cut"; readonly bytes: number };

export interface AnswerRule {
  readonly status: readonly number[];
  readonly headers?: { readonly [name: string]: HeaderRule };
  /** Fields that the answer must have; it may have more. */
  readonly json?: JsonObject;
  /** Paths into the answer that must lead to a text that is not empty. */
  readonly texts?: readonly (readonly string[])[];
  /** Texts that must not be in the answer. */
  readonly lacks?: readonly string[];
}

export type HeaderRule =
  | { readonly kind: "is"; readonly value: string }
  /** A list with each of these names, in any case: `*` is none of them. */
  | { readonly kind: "lists"; readonly names: readonly string[] }
  | { readonly kind: "atLeast"; readonly value: number };

/** What must be true once the server has had the time to store what it took. */
export type Stored =
  | {
      readonly kind: "message";
      readonly messageId: string;
      readonly count: 0 | 1;
      readonly event?: EventRule;
    }
  /** How many events of a person there are, where their ids are the server's. */
  | { readonly kind: "person"; readonly who: Person; readonly count: number };

export type Person = { readonly userId: string } | { readonly anonymousId: string };

/** Fields that a stored event must have; it may have more. */
export interface EventRule {
  readonly type?: string;
  readonly name?: string;
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly groupId?: string;
  readonly time?: { readonly near: number; readonly withinMs: number };
  readonly properties?: JsonObject;
  readonly traits?: JsonObject;
  readonly context?: JsonObject;
  /** Values in the context that must not be there. */
  readonly contextLacks?: { readonly [name: string]: Json };
}

/** An event as its server tells it. What a server does not keep may be absent: then rules about it fail. */
export interface StoredEvent {
  readonly messageId: string;
  readonly type?: string;
  /** Of a track: the event's name. */
  readonly name?: string;
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly groupId?: string;
  /** When it happened by the server's account, corrected: milliseconds since 1970. */
  readonly time?: number;
  readonly properties?: JsonObject;
  readonly traits?: JsonObject;
  readonly context?: JsonObject;
}

/**
 * How the suite looks into a server. Called many times, also for ids that the server never saw; whatever it throws is
 * taken as "not yet" until time is up.
 */
export interface Probe {
  /** How often an event counts (0 where it was refused), and with what. */
  find(messageId: string): Promise<{ readonly count: number; readonly event?: StoredEvent }>;
  /** Every event of a person that counts. Cases about ids that servers make need it. */
  list?(who: Person): Promise<readonly StoredEvent[]>;
}

/** Makes the server unable to keep anything, as a full disk does, and able again. */
export interface Outage {
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** The server that is looked at. */
export interface Target {
  /** As clients are told: scheme, host, port, and a path where it is served below one. */
  readonly url: string;
  readonly writeKey: string;
  readonly keyKind?: KeyKind;
  /** Without one only answers are checked. */
  readonly probe?: Probe;
  readonly outage?: Outage;
}
