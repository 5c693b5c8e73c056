/**
 * The catalogue of errors that cross a wire. A code never changes its meaning; a row is added, not edited.
 * `status` is what an HTTP answer carries when the whole request fails with it; capture clients only
 * ever see 200, 400, 401, 413, 429 and 503 (DESIGN section 10).
 */
export interface ErrorRow {
  readonly status: number;
  /** What to do about it, in one sentence. */
  readonly hint: string;
  readonly retryable: boolean;
}

const row = (status: number, hint: string, retryable = false): ErrorRow => ({
  status,
  hint,
  retryable,
});

export const errorCatalogue = {
  bodyNotJson: row(400, "send one JSON object or array, encoded as UTF-8"),
  bodyNotUtf8: row(400, "encode the body as UTF-8"),
  bodyTooLarge: row(413, "split the batch; the limit counts the inflated body"),
  bodyEncodingUnknown: row(400, "use gzip, deflate, br or no content encoding"),
  bodyInflateFailed: row(400, "send a complete and valid compressed body"),
  bodyShape: row(
    400,
    "send what the path expects: an event, an array of events or { batch: [...] }",
  ),
  batchTooLong: row(400, "split the batch"),
  keyMissing: row(401, "send the write key as Basic user name, in the body or as ?writeKey="),
  keyUnknown: row(401, "use a write key of this server; `freshet doctor` lists the sources"),
  secretKeyRequired: row(401, "send the secret key as a Bearer token"),
  tokenInvalid: row(401, "mint a new token with POST /v1/tokens"),
  tokenExpired: row(401, "mint a new token with POST /v1/tokens"),
  tokenForbidden: row(401, "the token is for another profile or purpose"),
  originForbidden: row(401, "add the page's origin to the source's allowedOrigins"),
  identityInvalid: row(
    401,
    "send a valid token for the user id as context.identityToken or X-Freshet-Identity",
  ),
  botRefused: row(400, "nothing: the source refuses events of bots"),
  consentMissing: row(400, "send the consent of the person in context.consent.categoryPreferences"),
  eventNotObject: row(400, "each event is a JSON object"),
  eventTooLarge: row(400, "an event is at most 32 KiB as JSON"),
  eventTooDeep: row(400, "nest objects and arrays at most 32 deep"),
  eventTypeUnknown: row(400, "use track, identify, page, screen, group or alias"),
  eventNameMissing: row(400, "name the event with a non-empty text"),
  eventFieldType: row(400, "send the field with the type that the message names"),
  identifierMissing: row(400, "send a userId or an anonymousId"),
  identifierInvalid: row(400, "identifiers are non-empty texts of at most 512 characters"),
  timestampInvalid: row(400, "send ISO 8601 with a zone, or milliseconds since 1970"),
  timestampOutOfRange: row(400, "check the clock of the client; times before 2000 are refused"),
  contractViolated: row(400, "send the properties that the event's schema asks for"),
  eventUnknown: row(400, "declare the event in the plan, or send one that it declares"),
  eventVersionUnknown: row(400, "list the version in the plan, or send one that it lists"),
  rowBroken: row(
    400,
    "mend the row in its file, and import a file of the mended rows with --as <name>",
  ),
  messageBroken: row(
    400,
    "mend what publishes it, or the topic's format in the configuration; docs/guides/capture-mqtt.md",
  ),
  planFunctionFailed: row(400, "mend the plan's function; the event waits as a dead letter"),
  cloudEventAttribute: row(
    400,
    'CloudEvents 1.0 asks for id, source, type and specversion "1.0", each a non-empty text',
  ),
  signatureInvalid: row(
    401,
    "check the hook's secret, both clocks, and that nothing changes the body on its way",
  ),
  hookUnknown: row(400, "declare it under hooks in freshet.config.ts"),
  hookMapFailed: row(400, "mend the hook's map; the delivery waits as a dead letter"),
  socketFrame: row(400, "send the frames that docs/guides/capture-websocket.md describes"),
  socketReplaced: row(400, "keep one connection for one stream; the newest one stays"),
  registryKeyRequired: row(
    401,
    "send the secret key as the password of Basic, or as a Bearer token",
  ),
  mediaTypeUnknown: row(415, "send application/vnd.schemaregistry.v1+json or application/json"),
  notAcceptable: row(406, "accept application/vnd.schemaregistry.v1+json or application/json"),
  schemaInvalid: row(422, "send a schema that its kind's specification allows, within the limits"),
  schemaValue: row(400, "send a value that the schema allows"),
  schemaBytes: row(400, "send the bytes that a writer with the named schema made"),
  schemaUnknown: row(
    400,
    "register the schema, or send the id that the registry gave; the event waits as a dead letter",
  ),
  registryUnavailable: row(
    503,
    "nothing of this request was kept: send it again, and look at the registry",
    true,
  ),
  requestShape: row(400, "see the reference of this endpoint"),
  requestIncomplete: row(400, "send the whole request"),
  requestTimeout: row(503, "send the request without pauses", true),
  placementUnknown: row(400, "ask for placements that the plan defines"),
  profileIdInvalid: row(400, "use <user id>, user:<user id> or anon:<anonymous id>"),
  receiptInvalid: row(400, "pass receipts exactly as an earlier answer gave them"),
  explainForbidden: row(401, "explain takes the secret key or a profile token"),
  notFound: row(404, "check the path; docs/reference/http.md lists every endpoint"),
  methodNotAllowed: row(404, "check the method; docs/reference/http.md lists every endpoint"),
  profileNotFound: row(404, "no event of this profile was applied yet"),
  eventNotFound: row(404, "no event with this message id is known inside the deduplication window"),
  deadLetterNotFound: row(404, "GET /v1/dead-letters lists the ones that are kept"),
  letterJobNotFound: row(404, "GET /v1/dead-letters/jobs lists the last ones"),
  changeInvalid: row(400, "see docs/operating/dead-letters.md for what a change may be"),
  effectNotFound: row(404, "GET /v1/effects/abandoned lists the ones that can be retried"),
  rateLimited: row(429, "send again after Retry-After seconds, and fewer events a second", true),
  overloaded: row(429, "slow down and send again after Retry-After seconds", true),
  logUnavailable: row(503, "nothing of this request was kept: send it again", true),
  notReady: row(503, "wait until the log is reduced; /readyz answers 200 then", true),
  shuttingDown: row(503, "send it again: another process will answer", true),
  internal: row(503, "this is a bug: report it with the server's log line", true),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error of the catalogue with what was expected and what came. */
export class FreshetError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable: boolean;
  readonly status: number;
  /** How long to wait, where this error knows better than its code. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { hint?: string; cause?: unknown; retryAfterSeconds?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FreshetError";
    this.code = code;
    this.status = errorCatalogue[code].status;
    this.hint = options?.hint ?? errorCatalogue[code].hint;
    this.retryable = errorCatalogue[code].retryable;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}
