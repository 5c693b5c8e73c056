import { createHash } from "node:crypto";
import { FreshetError, type Json, type JsonObject, limits, readJson } from "@freshet/protocol";
import { acceptEvents } from "../accept.ts";
import { readBody } from "../body.ts";
import { keepsWhole } from "../edge/pass.ts";
import { inflate } from "../inflate.ts";
import { deadLetterOf } from "../letter.ts";
import { mediaType } from "../media.ts";
import type { AcceptContext, Accepted } from "../request.ts";
import type { Source, Sources } from "../sources.ts";
import { stampLetter } from "../stamp.ts";
import { wellFormed } from "../text.ts";
import { validate } from "../validate.ts";
import { compileMap, type HookDelivery, type HookMap, type MapDelivery } from "./map.ts";
import { type HookHeaders, type HookScheme, type Verify, verifierOf } from "./signature.ts";
import { compileValue, type HookValue, type ReadValue } from "./value.ts";

/** One third party that delivers to `POST /v1/hooks/<name>`. */
export interface HookConfig {
  /** What the third party signs with; several while one is replaced. */
  readonly secret: string | readonly string[];
  /** How it signs: a scheme by name, or where its HMAC stands. */
  readonly signature: HookScheme;
  /** How old a delivery may be, and how far ahead its clock; 300 unless said. Only for schemes that sign a time. */
  readonly toleranceSeconds?: number;
  /** The third party's own id of a delivery, the same at each try; its scheme's own place unless said. */
  readonly id?: HookValue;
  /** Rules that make events of a delivery, or a function that does. */
  readonly map: HookMap;
  /** Name of the source that its events are of; one of its own, trusted as a server's, unless said. */
  readonly source?: string;
}

export interface Hook {
  readonly name: string;
  readonly source: Source;
  readonly verify: Verify;
  readonly map: MapDelivery;
  readonly id: ReadValue;
}

export type Hooks = ReadonlyMap<string, Hook>;

/** Throws an Error that names the hook where a configuration cannot be used. */
export function compileHooks(
  configs: { readonly [name: string]: HookConfig },
  sources: Sources,
): Hooks {
  return new Map(
    Object.entries(configs).map(([name, config]) => {
      try {
        return [name, compileHook(name, config, sources)];
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`hook "${name}" cannot be used: ${why}`, { cause });
      }
    }),
  );
}

const configKeys = ["secret", "signature", "toleranceSeconds", "id", "map", "source"];

function compileHook(name: string, config: HookConfig, sources: Sources): Hook {
  if (!/^[\w-]{1,64}$/.test(name))
    throw new Error("its name should be of letters, digits, _ and -, at most 64");
  for (const key of Object.keys(config))
    if (!configKeys.includes(key))
      throw new Error(`"${key}" is no setting of a hook; known are ${configKeys.join(", ")}`);
  const { secret, signature, toleranceSeconds } = config;
  return {
    name,
    source: sourceOf(name, config, sources),
    verify: verifierOf({ scheme: signature, secrets: [secret].flat(), toleranceSeconds }),
    map: compileMap(config.map),
    id: compileValue(config.id ?? ownId(signature), "id"),
  };
}

function sourceOf(name: string, { source }: HookConfig, { list }: Sources): Source {
  const own = `hook:${name}`;
  const found = list.find((one) => one.name === (source ?? own));
  if (source === undefined && found === undefined)
    return { name: own, writeKey: "", kind: "server" };
  if (source !== undefined && found !== undefined) return found;
  if (source === undefined) throw new Error(`a source has the name "${own}" already`);
  throw new Error(`there is no source "${source}"`);
}

/** Where the schemes with a name carry what stays the same at each try. */
function ownId(signature: HookScheme): HookValue {
  switch (signature) {
    case "stripe":
      return { at: "/id" };
    case "github":
      return { header: "x-github-delivery" };
    case "shopify":
      return { header: "x-shopify-webhook-id" };
    case "standard-webhooks":
      return { header: "webhook-id" };
    default:
      return null;
  }
}

export interface HookRequest {
  readonly name: string;
  readonly headers: HookHeaders;
  /** As it came, possibly compressed: the signature is over these bytes. */
  readonly body: Uint8Array;
}

/**
 * A third party's delivery to log records. Nothing of it is looked at before its signature was found to be right.
 * Throws what `accept` throws; a map that fails makes the delivery a dead letter.
 */
export function acceptHook(request: HookRequest, hooks: Hooks, context: AcceptContext): Accepted {
  const hook = hooks.get(request.name);
  if (hook === undefined) {
    const message = `there is no hook "${request.name.slice(0, 64)}"`;
    throw new FreshetError("hookUnknown", message);
  }
  const { headers } = request;
  hook.verify({ headers, body: request.body, now: context.now });
  const delivery = { hook: hook.name, body: bodyOf(request), headers };
  const id = deliveryId(hook, delivery, request.body);
  let events: readonly Json[];
  try {
    events = plainEvents(hook.map(delivery));
  } catch (error) {
    // Read again: a function may have changed what it was given.
    return refuseDelivery({ hook, id, body: bodyOf(request), why: reasonOf(error) }, context);
  }
  return acceptEvents({ shape: "native", events, source: hook.source, idBase: id }, context);
}

/** Forms are what older third parties send: their fields, as texts. */
function bodyOf({ headers, body }: HookRequest): Json {
  const encoding = headers["content-encoding"];
  if (mediaType(headers["content-type"]) !== "application/x-www-form-urlencoded")
    return readBody(body, encoding).value;
  return Object.fromEntries(
    new URLSearchParams(Buffer.from(inflate(body, encoding)).toString("utf8")),
  );
}

/** The hook's name keeps ids of third parties apart. Without an id, the same bytes are the same delivery. */
function deliveryId({ name, id }: Hook, { body, headers }: HookDelivery, bytes: Uint8Array) {
  const found = id({ body, headers, item: body });
  const text = typeof found === "string" || typeof found === "number" ? String(found) : "";
  const isUsable = text !== "" && text.length <= limits.identifierCharsMax / 2;
  if (isUsable) return wellFormed(`${name}:${text}`);
  return `${name}:${createHash("sha256")
    .update(text === "" ? bytes : text)
    .digest("hex")}`;
}

/**
 * What a map returned, as JSON: dates become texts, and what JSON cannot say is an error here instead of a surprise in
 * the log. Bounded, since one delivery may be put into each of thousands of events.
 */
function plainEvents(returned: unknown): Json[] {
  if (!Array.isArray(returned)) {
    // A rejection that nobody hears would end the process.
    if (returned instanceof Promise) returned.catch(() => {});
    const what = returned instanceof Promise ? "a promise" : typeof returned;
    throw new Error(`the map should return a list of events, but returned ${what}`);
  }
  if (returned.length > limits.batchEventsMax)
    throw new Error(`the map made ${returned.length} events; at most ${limits.batchEventsMax}`);
  let chars = 0;
  return returned.map((event: unknown) => {
    const text = JSON.stringify(event) ?? "null";
    chars += text.length;
    if (chars > limits.batchSharedCharsMax)
      throw new Error(`the map's events are over ${limits.batchSharedCharsMax} characters`);
    return readJson(text) as Json;
  });
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : "it threw something that is no error";
  return wellFormed(text.slice(0, reasonCharsMax));
}

const reasonCharsMax = 300;

interface Refusal {
  readonly hook: Hook;
  readonly id: string;
  readonly body: Json;
  readonly why: string;
}

/** The delivery whole, as one dead letter: mended, it can be delivered again. */
function refuseDelivery({ hook, id, body, why }: Refusal, context: AcceptContext): Accepted {
  const isWhole = keepsWhole(hook.source, context.sources);
  const event: JsonObject = { hook: hook.name, ...(isWhole && { body }) };
  const { bytesAtMost } = validate(event, true, []);
  const message = `the map of hook "${hook.name}" failed${isWhole ? `: ${why}` : ""}`;
  const letter = deadLetterOf({
    id,
    issue: { code: "hookMapFailed", message },
    source: hook.source.name,
    at: context.now,
    event,
    bytesAtMost,
  });
  return {
    records: [stampLetter(letter, { at: context.now, partitions: context.partitions })],
    accepted: 0,
    rejected: [{ index: 0, messageId: id, code: "hookMapFailed", message }],
    source: hook.source.name,
    singleRejected: false,
  };
}
