import { type EdgePolicy, edgeLimits, originFault, privacyRoots } from "../accept/index.ts";
import {
  boolean,
  type Check,
  either,
  type Fields,
  list,
  object,
  oneOf,
  positiveNumber,
  secretText,
  text,
  wrong,
} from "./check.ts";
import { UsageError } from "./usage-error.ts";

/** A way in of its own. What it says besides name, key and kind wins over `defaults`. */
export interface SourceConfig extends EdgePolicy {
  readonly name: string;
  readonly writeKey: string;
  /** `browser` sources take the address from the connection; `server` sources may say it. */
  readonly kind: "browser" | "server";
}

/** Where places of addresses come from. */
export interface GeoConfig {
  /** A file in MaxMind's format, relative to the configuration; read again when it is replaced. */
  readonly file: string;
  /** Latitude and longitude as well; not unless said. */
  readonly coordinates?: boolean;
}

/** Throws a UsageError that names the setting, what came and what was expected. */
export function checkSources(sources: unknown, defaults: unknown, geo: unknown): void {
  if (sources !== undefined) list(sourceCheck, "a list of sources")(sources, "sources");
  if (defaults !== undefined) defaultsCheck(defaults, "defaults");
  if (geo !== undefined) geoCheck(geo, "geo");
}

const geoCheck = either(text, object({ file: text, coordinates: boolean }, ["file"]));

const patterns: Check = (value, place) => {
  if (!(value instanceof RegExp)) text(value, place);
};

const origin: Check = (value, place) => {
  text(value, place);
  const fault = originFault(String(value));
  if (fault !== undefined) throw wrong(value, place, "", `it ${fault}`);
};

const rate: Fields = { eventsPerSecond: positiveNumber, burst: positiveNumber };

const keyCheck: Check = (value, place) => {
  object({ secret: secretText, publicKey: secretText, jwks: text, id: text })(value, place);
  const { secret, publicKey, jwks } = value as Record<string, unknown>;
  const given = [secret, publicKey, jwks].filter((one) => one !== undefined).length;
  if (given !== 1)
    throw new UsageError(`${place} has ${given} keys`, "give one of secret, publicKey and jwks");
};

const nonEmpty =
  (check: Check): Check =>
  (value, place) => {
    check(value, place);
    if ((value as readonly unknown[]).length === 0)
      throw new UsageError(`${place} is empty`, "name at least one");
  };

const consentObject = object(
  {
    purposes: nonEmpty(list(text, "a list of names")),
    required: text,
    default: oneOf("granted", "denied"),
  },
  ["purposes", "default"],
);

const consentCheck: Check = (value, place) => {
  consentObject(value, place);
  const { purposes, required } = value as NonNullable<EdgePolicy["consent"]>;
  if (required !== undefined && !purposes.includes(required))
    oneOf(...purposes)(required, `${place}.required`);
};

const ruleObject = object({ path: text, do: oneOf("drop", "mask", "hash") }, ["path", "do"]);

type Place = "source" | "defaults";

/**
 * Identifiers are the same text in every source or a person would be several profiles, and masked ones would make
 * several people one.
 */
const ruleCheck =
  (where: Place): Check =>
  (value, place) => {
    ruleObject(value, place);
    const { path, do: action } = value as { path: string; do: string };
    const [root = "", ...rest] = path.split(".");
    if (path.split(".").includes("")) throw wrong(path, `${place}.path`, "names between dots");
    oneOf(...privacyRoots)(root, `the beginning of ${place}.path`);
    if (path.split(".").filter((step) => step === "**").length > 2 || /\*\*\.\*\*/.test(path))
      throw wrong(path, `${place}.path`, "a path with ** at most twice, and not twice in a row");
    if (root === "**" && rest.length === 0) throw wrong(path, `${place}.path`, "more than **");
    if (root !== "userId" && root !== "anonymousId") return;
    if (rest.length > 0) throw wrong(path, `${place}.path`, `"${root}" alone, which is a text`);
    if (where === "source")
      throw new UsageError(
        `${place} changes "${root}" for one source`,
        "move the rule into defaults.privacy: an identifier must be the same in all sources",
      );
    if (action === "mask")
      throw new UsageError(`${place} masks "${root}"`, "hash it: masked, several people are one");
  };

function privacyCheck(where: Place): Check {
  const fields: Check = (value, place) => {
    list(ruleCheck(where), "a list of { path, do }")(value, place);
    const { length } = value as readonly unknown[];
    if (length > edgeLimits.privacyFieldsMax)
      throw wrong(length, `the number of ${place}`, `at most ${edgeLimits.privacyFieldsMax}`);
  };
  return object({ ip: oneOf("keep", "mask", "drop"), fields });
}

function policyFields(where: Place): Fields {
  return {
    context: object({ device: boolean, campaign: boolean, geo: boolean }),
    bots: oneOf("mark", "refuse", "ignore"),
    botPatterns: list(patterns, "a list of texts and regular expressions"),
    suspicious: either(
      boolean,
      object({ eventsPerSecond: positiveNumber, userAgentMissing: boolean }),
    ),
    rateLimit: object({ ...rate, perAddress: object(rate, ["eventsPerSecond"]) }, [
      "eventsPerSecond",
    ]),
    allowedOrigins: list(origin, "a list of origins"),
    privacy: privacyCheck(where),
    consent: consentCheck,
    identity: object(
      {
        required: boolean,
        keys: nonEmpty(list(keyCheck, "a list of keys")),
        onMissing: oneOf("refuse", "anonymous"),
        clockSkewSeconds: positiveNumber,
        issuer: text,
        audience: text,
      },
      ["keys"],
    ),
    contracts: object({
      violation: oneOf("mark", "deadLetter", "refuse"),
      unknown: oneOf("accept", "mark", "deadLetter", "refuse"),
    }),
  };
}

const defaultsCheck = object(policyFields("defaults"));

const sourceObject = object(
  {
    name: text,
    writeKey: secretText,
    kind: oneOf("browser", "server"),
    ...policyFields("source"),
  },
  ["name", "writeKey", "kind"],
);

/** The name tells more than the number, once there is one. */
const sourceCheck: Check = (value, place) => {
  const name = (value as { name?: unknown } | null)?.name;
  sourceObject(value, typeof name === "string" && name !== "" ? `source "${name}"` : place);
};

/** What holds for a source: its own settings over the defaults. Rules of privacy add up, and those of contracts. */
export function policyOf(own: EdgePolicy, defaults: EdgePolicy): EdgePolicy {
  const contracts = { ...defaults.contracts, ...own.contracts };
  const both = Object.keys(contracts).length === 0 ? {} : { contracts };
  return { ...withPrivacy(own, defaults), ...both };
}

function withPrivacy(own: EdgePolicy, defaults: EdgePolicy): EdgePolicy {
  const privacy = own.privacy ?? defaults.privacy;
  if (privacy === undefined) return { ...defaults, ...own };
  const ip = own.privacy?.ip ?? defaults.privacy?.ip;
  const fields = [...(defaults.privacy?.fields ?? []), ...(own.privacy?.fields ?? [])];
  return { ...defaults, ...own, privacy: { ...(ip === undefined ? {} : { ip }), fields } };
}
