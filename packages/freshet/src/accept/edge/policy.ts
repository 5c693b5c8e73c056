import type { ContractPolicy } from "../contract/policy.ts";

/** What a configuration may ask for at the edge: for one source, or for all of them as `defaults`. */
export interface EdgePolicy {
  /** What is found out about where and with what the event was made. */
  readonly context?: ContextPolicy;
  /** What to do with events of bots: `mark` them (unless said), `refuse` them, or do not look. */
  readonly bots?: BotPolicy;
  /** User agents that are bots to you: texts that they contain, whatever the case, or regular expressions. */
  readonly botPatterns?: readonly (string | RegExp)[];
  /** Marks clients that behave as no person does; `true` takes the named limits. Off unless said. */
  readonly suspicious?: boolean | SuspiciousPolicy;
  /** Events that may come in a time; past it requests get 429. No limit unless said. */
  readonly rateLimit?: RateLimitPolicy;
  /** Origins whose pages may use the key: `https://shop.example`, `https://*.shop.example`. All unless said. */
  readonly allowedOrigins?: readonly string[];
  /** What is masked, hashed or dropped before anything is written. */
  readonly privacy?: PrivacyPolicy;
  /** Purposes that people consent to, and the one without which an event is not taken. */
  readonly consent?: ConsentPolicy;
  /** Signed tokens that prove a user id. */
  readonly identity?: IdentityPolicy;
  /** What is done with events that break their contract, or that the plan does not know. */
  readonly contracts?: ContractPolicy;
}

export type BotPolicy = "mark" | "refuse" | "ignore";

export interface ContextPolicy {
  /** Device class, browser and operating system from the user agent; on unless said. */
  readonly device?: boolean;
  /** Campaign from the page's address where the client did not send one; on unless said. */
  readonly campaign?: boolean;
  /** Place of the address; on where the configuration names a database. */
  readonly geo?: boolean;
}

export interface SuspiciousPolicy {
  /** More events than this in one second of one anonymous id or address; 50 unless said. */
  readonly eventsPerSecond?: number;
  /** Events of browser sources without a user agent; on unless said. */
  readonly userAgentMissing?: boolean;
}

export interface RateLimitPolicy {
  /** Events a second that the source may send for long. */
  readonly eventsPerSecond: number;
  /** Events that it may send at once after a pause; ten seconds' worth unless said. */
  readonly burst?: number;
  /** The same for each address that connects. */
  readonly perAddress?: AddressRateLimit;
}

export interface AddressRateLimit {
  /** Events a second that one address may send for long. */
  readonly eventsPerSecond: number;
  /** Events that it may send at once after a pause; ten seconds' worth unless said. */
  readonly burst?: number;
}

export interface PrivacyPolicy {
  /** The address, after the look-up of its place: `keep` (unless said), `mask` or `drop`. */
  readonly ip?: "keep" | "mask" | "drop";
  /** What happens to single fields. */
  readonly fields?: readonly FieldRule[];
}

export interface FieldRule {
  /** Such as `properties.email`, `traits.*` (any one name) or `**.phone` (at any depth). */
  readonly path: string;
  /** `drop` it, `mask` it so that its shape stays, or `hash` it with the hash key. */
  readonly do: "drop" | "mask" | "hash";
}

export interface ConsentPolicy {
  /** Names of purposes, as `context.consent.categoryPreferences` has them. */
  readonly purposes: readonly string[];
  /** Purpose without which an event is refused; none unless said. */
  readonly required?: string;
  /** What counts where an event says nothing about a purpose. */
  readonly default: "granted" | "denied";
}

export interface IdentityPolicy {
  /** Whether each user id needs a token; otherwise only tokens that come are checked. Needed unless said. */
  readonly required?: boolean;
  /** Whose tokens are believed. Several while one is replaced. */
  readonly keys: readonly IdentityKey[];
  /** Without a valid token: `refuse` the event (unless said), or take it as `anonymous`. */
  readonly onMissing?: "refuse" | "anonymous";
  /** How far the clocks of the token's maker and of this machine may be apart; 60 unless said. */
  readonly clockSkewSeconds?: number;
  /** What `iss` must be; anything unless said. */
  readonly issuer?: string;
  /** What `aud` must be or hold; anything unless said. */
  readonly audience?: string;
}

/** One of: a shared secret (HS256), a public key as PEM (RS256, ES256), or the path of a JWKS file. */
export interface IdentityKey {
  /** At least 32 characters. */
  readonly secret?: string;
  /** PEM text of an RSA or P-256 key. */
  readonly publicKey?: string;
  /** Path of a JSON Web Key Set, relative to the configuration. */
  readonly jwks?: string;
  /** `kid` of the tokens that it is for; any unless said. */
  readonly id?: string;
}
