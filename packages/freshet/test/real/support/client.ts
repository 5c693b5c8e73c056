/** Clients of others, each behind the same few calls, so that one test can hold for all of them. */
import { openJava, openPython } from "./child-client.ts";
import { openAnalyticsNode, openFreshet, openRudderNode } from "./node-client.ts";

export type CallType = "track" | "identify" | "page" | "screen" | "group" | "alias";

/** One call of a client, in Segment's words. */
export interface Call {
  readonly type: CallType;
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly event?: string;
  readonly name?: string;
  readonly groupId?: string;
  readonly previousId?: string;
  readonly properties?: object;
  readonly traits?: object;
  /** ISO 8601; now unless said. */
  readonly timestamp?: string;
}

/** Message ids by the client's own account. */
export interface Account {
  readonly delivered: readonly string[];
  readonly failed: readonly string[];
}

export interface Client {
  send(calls: readonly Call[]): void;
  /** Resolves once the client has given account of every call. */
  settle(): Promise<Account>;
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly url: string;
  readonly writeKey: string;
  /** After which the client believes that its request was lost. */
  readonly timeoutMs: number;
}

/** What is known of a client, beside how it is made. */
export interface ClientKind {
  readonly name: string;
  /** As its events say in `context.library.name`. */
  readonly library: string;
  /**
   * What it does when an answer does not come in time: sends again, or gives up, though its events may be there.
   * `waits` where the time cannot be set, and is longer than a test's.
   */
  readonly onTimeout: "retries" | "givesUp" | "waits";
  open(options: ClientOptions): Client;
}

export const clientKinds: readonly ClientKind[] = [
  {
    name: "analytics-node 2.3.0",
    library: "@segment/analytics-node",
    onTimeout: "retries",
    open: (options) => openAnalyticsNode("analytics-node-2", options),
  },
  {
    name: "analytics-node 3.1.0",
    library: "@segment/analytics-node",
    onTimeout: "retries",
    open: (options) => openAnalyticsNode("analytics-node-3", options),
  },
  {
    name: "rudder-sdk-node 3.0.13",
    library: "analytics-node",
    onTimeout: "givesUp",
    open: openRudderNode,
  },
  {
    name: "segment-analytics-python 2.4.0",
    library: "analytics-python",
    onTimeout: "retries",
    open: (options) => openPython({ ...options, gzip: false }),
  },
  {
    name: "segment-analytics-python 2.4.0 with gzip",
    library: "analytics-python",
    onTimeout: "retries",
    open: (options) => openPython({ ...options, gzip: true }),
  },
  {
    name: "analytics-java 3.5.2",
    library: "analytics-java",
    onTimeout: "retries",
    open: openJava,
  },
  {
    name: "Freshet's own SDK for Node",
    library: "freshet-node",
    onTimeout: "waits",
    open: openFreshet,
  },
];
