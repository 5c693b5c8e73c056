import { fields, num, text } from "../json.ts";
import { type Answer, type Ask, ask } from "./api.ts";
import type { Identity } from "./identity.ts";

/**
 * Keeps a short-lived token for one profile.
 * T1 One request for a token at a time: whoever asks meanwhile gets the same answer.
 * T2 A token is renewed before it expires, and once more when a read answers 401.
 */
export interface Token {
  readonly token: string;
  readonly profileId: string;
  readonly expiresAtMs: number;
}

export interface TokenKeeper {
  get(): Promise<Token | undefined>;
  drop(): void;
  /** Asks with the token; `undefined` when there is none to be had. */
  ask(path: (token: Token) => string, options?: Ask): Promise<Answer>;
}

/** Clocks of browsers are a little wrong; a token is not used in its last seconds. */
const EARLY_MS = 15_000;

export function tokenKeeper(identity: Identity): TokenKeeper {
  let held: Token | undefined;
  let running: Promise<Token | undefined> | undefined;

  const keeper: TokenKeeper = {
    async get() {
      if (held !== undefined && held.expiresAtMs - EARLY_MS > Date.now()) return held;
      running ??= fetchToken(identity).finally(() => {
        running = undefined;
      });
      held = await running;
      return held;
    },
    drop() {
      held = undefined;
    },
    async ask(path, options = {}) {
      const first = await askWith(await keeper.get(), path, options);
      if (first.ok || first.status !== 401) return first;
      keeper.drop();
      return askWith(await keeper.get(), path, options);
    },
  };
  return keeper;
}

async function askWith(
  token: Token | undefined,
  path: (token: Token) => string,
  options: Ask,
): Promise<Answer> {
  if (token === undefined) return { ok: false, status: 0, message: "no profile token" };
  return ask(path(token), { ...options, authorization: `Bearer ${token.token}` });
}

async function fetchToken(identity: Identity): Promise<Token | undefined> {
  const answer = await ask("/shop/token", { method: "POST", body: identity });
  if (!answer.ok) return undefined;
  const body = fields(answer.body);
  const token = text(body.token);
  const profileId = text(body.profileId);
  if (token === "" || profileId === "") return undefined;
  return { token, profileId, expiresAtMs: expiryOf(body.expiresAt) };
}

/** Milliseconds, or a text with the date. Unknown means: ask again in a minute. */
function expiryOf(value: unknown): number {
  const ms = num(value) ?? Date.parse(text(value));
  return Number.isFinite(ms) ? ms : Date.now() + 60_000;
}
