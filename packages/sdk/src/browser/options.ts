import type { QueueLimits } from "../queue/index.ts";
import type { OnDrop } from "../shell/journal.ts";
import type { ConsentOptions } from "./consent.ts";
import type { CookieOptions } from "./cookie.ts";

export interface FreshetOptions extends ConsentOptions {
  /** Where Freshet listens; the page's own origin unless said. */
  readonly url?: string;
  readonly writeKey: string;
  /** Also remember the visitor in a cookie, for subdomains and where storage is blocked. */
  readonly cookie?: CookieOptions;
  /** Called for each event that will not arrive. */
  readonly onDrop?: OnDrop;
  /** The site's own server answers with what `POST /v1/tokens` gave it; makes `subscribe` live. */
  readonly token?: (who: Who) => Promise<string>;
  /** What the site's server signed for who is signed in; goes along with each event that has a user id. */
  readonly identityToken?: () => string | null;
  /** How long `decide` waits for an answer; 300 unless said. */
  readonly decideMs?: number;
  readonly limits?: Partial<QueueLimits>;
}

/** Whom a token is for. */
export interface Who {
  readonly anonymousId: string;
  readonly userId: string | null;
}

/** For one call; `context` is merged into the event's, the rest is as in Segment's SDKs. */
export interface CallOptions {
  readonly timestamp?: Date | string | number;
  readonly messageId?: string;
  readonly context?: { readonly [name: string]: unknown };
  readonly integrations?: { readonly [name: string]: unknown };
}
