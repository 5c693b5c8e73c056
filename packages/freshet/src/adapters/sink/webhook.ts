/**
 * The sink port over HTTP: one POST for each effect, signed by the rules of Standard Webhooks 1.0
 * (https://www.standardwebhooks.com), so that receivers verify it with a library they have.
 *
 * - W1 `webhook-id` is the effect's id, the same on each attempt: the receiver's key against doubles.
 * - W2 Each attempt is signed with every secret, at its own time: a secret is replaced by giving the
 *   old and the new one until the receiver knows the new one.
 * - W3 The status decides, as soon as it is there; what becomes of the answer's body does not matter.
 * - W4 An attempt ends within `sendMsMax`, and reads at most `answerBytesMax` of an answer.
 * - W5 Credentials of the address go into the Basic header and nowhere else; no secret is in a reason.
 */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { Agent, type Dispatcher } from "undici";
import type { SendEffect } from "../../core/effect.ts";
import type { Clock } from "../../engine/port/clock.ts";
import {
  type Cancellation,
  type Sink,
  SinkConfigError,
  type SinkOutcome,
} from "../../engine/port/sink.ts";

export interface WebhookOptions {
  /** The destination, as plans name it. */
  readonly name: string;
  /** http or https; a user and password in it are sent as Basic authorization. */
  readonly url: string;
  /** `whsec_` and 24 to 64 bytes in base64; several while one is replaced. */
  readonly secret: string | readonly string[];
  readonly clock: Clock;
  /** The HTTP client; one of its own unless given. A given one stays the caller's. */
  readonly client?: Dispatcher;
  readonly limits?: Partial<WebhookLimits>;
}

export interface WebhookLimits {
  /** From the start of an attempt to the status of its answer. */
  readonly sendMsMax: number;
  /** From the status to the end of the body; then it is cut, and the connection with it. */
  readonly answerMsMax: number;
  readonly answerBytesMax: number;
}

/** Standard Webhooks recommends 15 to 30 s; the shorter frees the slot sooner. */
export const webhookLimits: WebhookLimits = {
  sendMsMax: 15_000,
  answerMsMax: 2000,
  answerBytesMax: 64 * 1024,
};

/** Throws SinkConfigError where address or secret cannot be used. */
export function webhookSink(options: WebhookOptions): Sink {
  const { name, clock } = options;
  const limits = { ...webhookLimits, ...options.limits };
  const { url, authorization } = addressOf(name, options.url);
  const { origin } = url;
  const path = `${url.pathname}${url.search}`;
  const keys = keysOf(name, options.secret);
  // The limits above are the clock's; undici's own timers would be a second opinion.
  const client = options.client ?? new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  let isClosed = false;

  return {
    name,
    async send(effect, cancellation) {
      if (isClosed) return { kind: "retry", reason: "the sink is closed" };
      const body = bodyOf(effect);
      const headers = {
        "content-type": "application/json",
        "user-agent": "freshet",
        ...(authorization === null ? {} : { authorization }),
        ...signatureOf(keys, effect.id, body, clock.now()),
      };
      const post = { origin, path, method: "POST", headers, body } as const;
      return attempt(client, post, { clock, limits, cancellation });
    },
    async close() {
      isClosed = true;
      if (options.client === undefined) await client.destroy();
    },
  };
}

interface Attempt {
  readonly clock: Clock;
  readonly limits: WebhookLimits;
  readonly cancellation: Cancellation;
}

/** By undici's `dispatch`, since its `request` makes a stream of each answer, whose status is all that counts here. */
function attempt(
  client: Dispatcher,
  post: Dispatcher.DispatchOptions,
  options: Attempt,
): Promise<SinkOutcome> {
  return new Promise((resolve) => client.dispatch(post, new AnswerHandler(options, resolve)));
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #options: Attempt;
  readonly #resolve: (outcome: SinkOutcome) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #cancelTimer: () => void;
  #answer: Pick<Answer, "retryAfter"> & { readonly status: number } = noAnswer;
  readonly #kept: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(options: Attempt, resolve: (outcome: SinkOutcome) => void) {
    const { clock, limits, cancellation } = options;
    this.#options = options;
    this.#resolve = resolve;
    this.#cancelTimer = clock.after(limits.sendMsMax, () =>
      this.#cut(`no answer within ${limits.sendMsMax} ms`),
    );
    cancellation.onCancel(() => this.#cut("no answer: the attempt was cancelled"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Cut while it waited for a connection: it must not be sent now.
    if (this.#isOver) controller.abort(wasCut);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  ): void {
    if (status < 200 || this.#isOver) return;
    const { clock, limits } = this.#options;
    this.#cancelTimer();
    this.#answer = { status, retryAfter: headers["retry-after"] };
    this.#cancelTimer = clock.after(limits.answerMsMax, () => this.#cut(""));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#bytes < excerptCharsMax) this.#kept.push(chunk.subarray(0, excerptCharsMax));
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.limits.answerBytesMax) this.#cut("");
  }

  onResponseEnd(): void {
    this.#end("");
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(networkReason(error));
  }

  #cut(reason: string): void {
    this.#end(reason);
    this.#controller?.abort(wasCut);
  }

  /** `reason` is for where there is no status: that, once known, has said what there is to know (W3). */
  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    const { status, retryAfter } = this.#answer;
    const text = Buffer.concat(this.#kept).toString("utf8");
    const now = this.#options.clock.now();
    this.#resolve(
      status === 0 ? { kind: "retry", reason } : outcomeOf(status, { text, retryAfter, now }),
    );
  }
}

interface Answer {
  readonly text: string;
  readonly retryAfter: string | readonly string[] | undefined;
  readonly now: number;
}

const noAnswer = { status: 0, retryAfter: undefined };
const wasCut = new Error("the attempt was cut off");

/** What a status means. Redirects are not followed: the signature and the data were for this address. */
export function outcomeOf(status: number, answer: Answer): SinkOutcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const reason = `answered ${status}${excerptOf(answer.text)}`;
  if (status === 410) return { kind: "gone", reason };
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const retryAfterMs = retryAfterMsOf(answer.retryAfter, answer.now);
    return { kind: "retry", reason, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
  }
  if (status >= 300 && status < 400)
    return { kind: "refused", reason: `answered ${status}: redirects are not followed` };
  return { kind: "refused", reason };
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3), as milliseconds from `now`; null for neither. */
export function retryAfterMsOf(value: Answer["retryAfter"], now: number): number | null {
  const text = (typeof value === "string" ? value : (value?.[0] ?? "")).trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse alone would take "1.5" for a day in January.
  const time = /GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : Math.max(0, time - now);
}

function excerptOf(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, " ").trim();
  return line === "" ? "" : `: ${line.slice(0, excerptCharsMax)}`;
}

function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return `no answer: ${String(error)}`;
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return `no answer: ${error.message === "" ? error.name : error.message}${code}`;
}

/** The system's names win over fields of the plan, so that receivers can rely on them. */
function bodyOf(effect: SendEffect): string {
  const { id, rule, profileId, cause, at, fields } = effect;
  return JSON.stringify({
    type: rule,
    timestamp: new Date(at).toISOString(),
    data: { ...fields, effectId: id, rule, profileId, cause, at },
  });
}

/**
 * `v1,` and the HMAC-SHA256 of id, seconds and body, by the specification; the runtime's own, as that of the
 * library `standardwebhooks` is written in JavaScript and takes ten times as long. It verifies ours in the tests.
 *
 * The id holds a full stop where a rule has several actions. That is safe: the part behind it is the
 * action's number, too small to pass for a timestamp.
 */
function signatureOf(keys: readonly KeyObject[], id: string, body: string, now: number) {
  const seconds = String(Math.floor(now / 1000));
  const sign = (key: KeyObject) =>
    `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  return {
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": keys.map(sign).join(" "),
  };
}

function addressOf(name: string, text: string): { url: URL; authorization: string | null } {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new SinkConfigError(
      `destination "${name}" has no usable url: expected http or https`,
      "write it like https://example.com/hooks",
    );
  const { username, password } = url;
  url.username = "";
  url.password = "";
  url.hash = "";
  if (username === "" && password === "") return { url, authorization: null };
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { url, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
  } catch {
    throw new SinkConfigError(
      `destination "${name}" has a user or password in its url that cannot be decoded`,
      'write "%" as "%25"',
    );
  }
}

function keysOf(name: string, secret: string | readonly string[]): KeyObject[] {
  const secrets = typeof secret === "string" ? [secret] : secret;
  if (secrets.length === 0)
    throw new SinkConfigError(`destination "${name}" has no secret: expected one or several`, hint);
  return secrets.map((text) => {
    const encoded = text.startsWith(secretPrefix) ? text.slice(secretPrefix.length) : "";
    const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) && encoded.length % 4 === 0;
    const key = Buffer.from(isBase64 ? encoded : "", "base64");
    if (key.length < 24 || key.length > 64)
      throw new SinkConfigError(
        `destination "${name}" has a secret that is not "whsec_" and 24 to 64 bytes in base64`,
        hint,
      );
    return createSecretKey(key);
  });
}

const secretPrefix = "whsec_";
const hint = 'make one: echo "whsec_$(openssl rand -base64 32)"';
/** Enough to see what a receiver did not like. */
const excerptCharsMax = 200;
