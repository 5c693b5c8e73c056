import type { QueueLimits } from "../queue/index.ts";
import type { Properties } from "../shell/arguments.ts";
import type { OnDrop } from "../shell/journal.ts";
import type { EventName, PlanShape } from "../shell/plan.ts";

export interface FreshetOptions {
  /** Where Freshet listens. */
  readonly url: string;
  readonly writeKey: string;
  /** Called for each event that will not arrive. */
  readonly onDrop?: OnDrop;
  /** How long `flush` and `close` wait for the server; 10 000 unless said. */
  readonly flushMs?: number;
  readonly limits?: Partial<QueueLimits>;
}

/** Whose event it is: one of the two, or both where they become one profile. */
export type Who =
  | { readonly userId: string; readonly anonymousId?: string }
  | { readonly anonymousId: string; readonly userId?: string };

/** What every call may say, as in Segment's SDK for Node. */
export interface Common {
  readonly messageId?: string;
  readonly timestamp?: Date | string | number;
  readonly context?: Properties;
  readonly integrations?: Properties;
}

export type Track<P extends PlanShape, Name extends EventName<P>> = Who &
  Common & { readonly event: Name } & (Record<never, never> extends P["events"][Name]
    ? { readonly properties?: P["events"][Name] }
    : { readonly properties: P["events"][Name] });

export type Identify = Who & Common & { readonly traits?: Properties };
export type Group = Who & Common & { readonly groupId: string; readonly traits?: Properties };
export type Page = Who &
  Common & {
    readonly name?: string;
    readonly category?: string;
    readonly properties?: Properties;
  };
export type Alias = Common & { readonly userId: string; readonly previousId: string };

/** What became of everything that was taken before. */
export interface FlushResult {
  /** Empty where the server has all of it, but what was dropped. */
  readonly undelivered: readonly Undelivered[];
  readonly dropped: number;
}

export interface Undelivered {
  readonly messageId: string;
  /** As it would have been sent. */
  readonly event: unknown;
}

export interface FlushOptions {
  readonly timeoutMs?: number;
}
