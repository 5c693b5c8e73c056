import { createHmac, timingSafeEqual } from "node:crypto";
import { FreshetError, limits } from "@freshet/protocol";

/** A scheme of a third party by its name, or one that is told. */
export type HookScheme = HookSchemeName | HookSignature;
export type HookSchemeName = "stripe" | "github" | "shopify" | "standard-webhooks";

/** An HMAC of the body in a header, for schemes that have no name here. */
export interface HookSignature {
  /** Header that carries the signature. */
  readonly header: string;
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly encoding: "hex" | "base64" | "base64url";
  /** What stands before the signature in its header, such as `sha256=`. */
  readonly prefix?: string;
  /** Header with the seconds since 1970 at which it was signed; without one a delivery can be replayed for ever. */
  readonly timestampHeader?: string;
  /** What is signed: `{body}`, or `{timestamp}.{body}` where there is a timestamp header, unless said. */
  readonly signed?: string;
}

export type HookHeaders = Readonly<Record<string, string | undefined>>;

export interface SignedDelivery {
  /** By lower-case name. */
  readonly headers: HookHeaders;
  /** As it came: one byte more or less is another body. */
  readonly body: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Throws `signatureInvalid` unless one of the secrets signed exactly this body, lately. */
export type Verify = (delivery: SignedDelivery) => void;

export interface SignatureOptions {
  readonly scheme: HookScheme;
  /** Several while one is replaced. */
  readonly secrets: readonly string[];
  readonly toleranceSeconds?: number | undefined;
}

/** Throws where scheme or secrets cannot be used. */
export function verifierOf(options: SignatureOptions): Verify {
  const scheme =
    typeof options.scheme === "string" ? namedScheme(options.scheme) : toldScheme(options.scheme);
  const keys = options.secrets.map(scheme.key);
  if (keys.length === 0 || keys.some((key) => key.length === 0))
    throw new Error("its secret is empty, or not of the form that the scheme asks for");
  const seconds = options.toleranceSeconds ?? limits.hookToleranceSeconds;
  if (!Number.isFinite(seconds) || seconds <= 0) throw new Error("its tolerance is no time");
  return ({ headers, body, now }) => {
    const signed = scheme.read(headers);
    if (typeof signed === "string") throw invalid(signed);
    if (signed.timestamp !== undefined) checkAge(signed.timestamp, { now, seconds });
    const expected = keys.map((key) =>
      createHmac(scheme.algorithm, key)
        .update(signed.before)
        .update(body)
        .update(signed.after)
        .digest(scheme.encoding),
    );
    const isSigned = signed.signatures
      .slice(0, signaturesMax)
      .some((signature) => expected.some((one) => isEqual(signature, one)));
    if (!isSigned) throw invalid("no signature of the delivery is of this secret and this body");
  };
}

/** Third parties send one for each secret that is in use. */
const signaturesMax = 8;

interface Scheme {
  readonly algorithm: HookSignature["algorithm"];
  readonly encoding: HookSignature["encoding"];
  key(secret: string): Buffer;
  /** What the headers say, or what is missing in them. */
  read(headers: HookHeaders): Signed | string;
}

interface Signed {
  readonly signatures: readonly string[];
  /** As it came, since that is what was signed. */
  readonly timestamp?: string;
  /** What was signed before and after the body. */
  readonly before: string;
  readonly after: string;
}

const textKey = (secret: string) => Buffer.from(secret, "utf8");

const named: Readonly<Record<HookSchemeName, Scheme>> = {
  stripe: {
    algorithm: "sha256",
    encoding: "hex",
    key: textKey,
    read(headers) {
      const parts = (headers["stripe-signature"] ?? "").split(",").map((part) => part.trim());
      const timestamp = parts.find((part) => part.startsWith("t="))?.slice(2);
      const signatures = parts.flatMap((part) => (part.startsWith("v1=") ? [part.slice(3)] : []));
      if (timestamp === undefined || signatures.length === 0)
        return 'the header "stripe-signature" should be t=<seconds>,v1=<hex>';
      return { signatures, timestamp, before: `${timestamp}.`, after: "" };
    },
  },
  github: plainScheme({
    header: "x-hub-signature-256",
    algorithm: "sha256",
    encoding: "hex",
    prefix: "sha256=",
  }),
  shopify: plainScheme({
    header: "x-shopify-hmac-sha256",
    algorithm: "sha256",
    encoding: "base64",
  }),
  "standard-webhooks": {
    algorithm: "sha256",
    encoding: "base64",
    key: (secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"),
    read(headers) {
      const id = headers["webhook-id"];
      const timestamp = headers["webhook-timestamp"];
      const sent = (headers["webhook-signature"] ?? "").split(" ");
      const signatures = sent.flatMap((part) => (part.startsWith("v1,") ? [part.slice(3)] : []));
      if (id === undefined || timestamp === undefined || signatures.length === 0)
        return 'the headers "webhook-id", "webhook-timestamp" and "webhook-signature" should be there';
      return { signatures, timestamp, before: `${id}.${timestamp}.`, after: "" };
    },
  },
};

function namedScheme(name: string): Scheme {
  const scheme = Object.hasOwn(named, name) ? named[name as HookSchemeName] : undefined;
  if (scheme !== undefined) return scheme;
  throw new Error(`its signature "${name}" is none of ${Object.keys(named).join(", ")}`);
}

function toldScheme(told: HookSignature): Scheme {
  if (!["sha1", "sha256", "sha512"].includes(told.algorithm))
    throw new Error(`its algorithm "${told.algorithm}" is none of sha1, sha256, sha512`);
  if (!["hex", "base64", "base64url"].includes(told.encoding))
    throw new Error(`its encoding "${told.encoding}" is none of hex, base64, base64url`);
  if (typeof told.header !== "string" || told.header === "")
    throw new Error("its signature names no header");
  const parts = (told.signed ?? "{body}").split("{body}");
  if (parts.length !== 2) throw new Error("what is signed should hold {body} once");
  if (told.signed?.includes("{timestamp}") === true && told.timestampHeader === undefined)
    throw new Error("what is signed holds {timestamp}, but no timestampHeader is named");
  return plainScheme(told);
}

function plainScheme(told: HookSignature): Scheme {
  const { algorithm, encoding, prefix = "", timestampHeader } = told;
  const header = told.header.toLowerCase();
  const signed = told.signed ?? (timestampHeader === undefined ? "{body}" : "{timestamp}.{body}");
  const [before = "", after = ""] = signed.split("{body}");
  return {
    algorithm,
    encoding,
    key: textKey,
    read(headers) {
      const sent = headers[header];
      if (sent === undefined || !sent.startsWith(prefix))
        return `the header "${header}" should be ${prefix}<${encoding}>`;
      const signatures = [sent.slice(prefix.length).trim()];
      if (timestampHeader === undefined) return { signatures, before, after };
      const timestamp = headers[timestampHeader.toLowerCase()];
      if (timestamp === undefined) return `the header "${timestampHeader}" should be there`;
      const withTime = (text: string) => text.replaceAll("{timestamp}", () => timestamp);
      return { signatures, timestamp, before: withTime(before), after: withTime(after) };
    },
  };
}

function checkAge(
  timestamp: string,
  { now, seconds }: { readonly now: number; readonly seconds: number },
): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw invalid("its timestamp should be seconds since 1970");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) <= seconds) return;
  const apart = `${Math.round(Math.abs(age))} s ${age > 0 ? "old" : "ahead"}`;
  throw invalid(`it was signed ${apart}; at most ${seconds} s are taken`);
}

/** Its time tells nothing of what would be right. */
function isEqual(sent: string, expected: string): boolean {
  const left = Buffer.from(sent);
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}

function invalid(why: string): FreshetError {
  return new FreshetError("signatureInvalid", `the delivery cannot be trusted: ${why}`);
}
