/** Clients for Node, in this process. */
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Freshet } from "@freshet/sdk/node";
import { fetchNpmClients } from "../clients/fetch.ts";
import type { Account, CallType, Client, ClientOptions } from "./client.ts";

/** Loads a package of the folder that the clients were fetched into. */
function load<T>(name: string): T {
  return createRequire(join(fetchNpmClients(), "package.json"))(name) as T;
}

/** What the callbacks of a client said so far. */
class Accounts {
  readonly #delivered: string[] = [];
  readonly #failed: string[] = [];
  #pending = 0;
  #look = () => {};

  begin(): void {
    this.#pending++;
  }

  end(messageId: string, error: unknown): void {
    (error ? this.#failed : this.#delivered).push(messageId);
    this.#pending--;
    this.#look();
  }

  settled(): Promise<Account> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.#pending === 0) resolve({ delivered: this.#delivered, failed: this.#failed });
      };
      this.#look();
    });
  }
}

type Done = (error?: unknown, context?: { readonly event: { readonly messageId: string } }) => void;

interface AnalyticsNode {
  on(name: "error", listener: (error: unknown) => void): void;
  flush(): Promise<void>;
  closeAndFlush(): Promise<void>;
}

export function openAnalyticsNode(
  name: string,
  { url, writeKey, timeoutMs }: ClientOptions,
): Client {
  const { Analytics } = load<{ readonly Analytics: new (settings: object) => AnalyticsNode }>(name);
  const settings = { writeKey, host: url, flushInterval: 200, httpRequestTimeout: timeoutMs };
  const analytics = new Analytics(settings);
  analytics.on("error", () => {});
  const accounts = new Accounts();
  const perform = analytics as unknown as Record<CallType, (call: object, done: Done) => void>;
  return {
    send(calls) {
      for (const { type, ...call } of calls) {
        accounts.begin();
        perform[type](call, (error, context) =>
          accounts.end(context?.event.messageId ?? "", error),
        );
      }
    },
    async settle() {
      await analytics.flush();
      return accounts.settled();
    },
    close: () => analytics.closeAndFlush(),
  };
}

interface RudderNode {
  flush(): Promise<unknown>;
}

/** Tells no message ids, so that they are given to it. */
export function openRudderNode({ url, writeKey, timeoutMs }: ClientOptions): Client {
  const Analytics = load<new (key: string, options: object) => RudderNode>(
    "@rudderstack/rudder-sdk-node",
  );
  const analytics = new Analytics(writeKey, {
    dataPlaneUrl: url,
    timeout: timeoutMs,
    flushInterval: 200,
    logLevel: "none",
    errorHandler: () => {},
  });
  const accounts = new Accounts();
  const perform = analytics as unknown as Record<
    CallType,
    (call: object, done: (error?: unknown) => void) => void
  >;
  return {
    send(calls) {
      for (const { type, timestamp, ...call } of calls) {
        const messageId = randomUUID();
        const time = timestamp === undefined ? {} : { originalTimestamp: timestamp };
        accounts.begin();
        perform[type]({ ...call, ...time, messageId }, (error) => accounts.end(messageId, error));
      }
    },
    settle: () => accounts.settled(),
    close: async () => void (await analytics.flush().catch(() => {})),
  };
}

/** Tells no message ids of what was delivered, so that they are given to it. */
export function openFreshet({ url, writeKey }: ClientOptions): Client {
  const sent: string[] = [];
  const failed = new Set<string>();
  const freshet = new Freshet({ url, writeKey, onDrop: ({ messageId }) => failed.add(messageId) });
  const perform = freshet as unknown as Record<CallType, (call: object) => void>;
  return {
    send(calls) {
      for (const { type, ...call } of calls) {
        const messageId = randomUUID();
        sent.push(messageId);
        perform[type]({ ...call, messageId });
      }
    },
    async settle() {
      const { undelivered } = await freshet.flush({ timeoutMs: 60_000 });
      for (const { messageId } of undelivered) failed.add(messageId);
      return { delivered: sent.filter((id) => !failed.has(id)), failed: [...failed] };
    },
    close: async () => void (await freshet.close()),
  };
}
