import type { Json, JsonObject } from "@freshet/protocol";
import type { EventType } from "../../core/event.ts";
import { isObject } from "../field.ts";
import { maskAddress } from "./address.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { maskScalar } from "./mask.ts";
import { type Change, changeAt, changeLeaves, type Path, parsePath } from "./path.ts";
import type { FieldRule, PrivacyPolicy } from "./policy.ts";

/** What of an event may hold personal data, whether it is taken or refused. */
export interface Content {
  readonly userId: string | undefined;
  readonly anonymousId: string | undefined;
  readonly properties: JsonObject;
  readonly traits: JsonObject | undefined;
  readonly context: JsonObject | undefined;
  readonly extra: JsonObject | undefined;
}

export type IdentifierField = "userId" | "anonymousId";

/** The rules of a source, ready to run. */
export interface Privacy {
  /** Nothing that it is given is changed in place. */
  apply(content: Content, type: EventType): Content;
  /** An identifier as it is stored: what a decision is asked for by must be changed like what was captured. */
  identifier(field: IdentifierField, value: string): string | undefined;
}

/** Roots of paths. Events have other fields as well: `extra` holds those. */
export const privacyRoots = [
  ...["properties", "traits", "context", "extra", "userId", "anonymousId", "**"],
] as const;

const identifierFields: readonly IdentifierField[] = ["userId", "anonymousId"];

/**
 * `hash` is asked for only where a rule hashes. Rules run in their order, the address first, each over what the ones
 * before it left.
 */
export function compilePrivacy(policy: PrivacyPolicy, hash: () => KeyedHash): Privacy {
  const rules = (policy.fields ?? []).map((rule) => compileRule(rule, hash));
  const withAddress = addressChanger(policy.ip ?? "keep");
  const ofIdentifier = (field: IdentifierField) =>
    rules.filter(({ path }) => path.length === 1 && path[0] === field);
  const changes = {
    userId: ofIdentifier("userId"),
    anonymousId: ofIdentifier("anonymousId"),
  };
  const identifier = (field: IdentifierField, value: string): string | undefined => {
    let stored: Json | undefined = value;
    for (const { change } of changes[field]) stored = stored && change(stored);
    return typeof stored === "string" && stored !== "" ? stored : undefined;
  };
  return {
    identifier,
    apply(content, type) {
      const context = withAddress(content.context);
      const { userId, anonymousId, properties, traits, extra } = content;
      let inner: Inner = { properties, traits, context, extra };
      for (const rule of rules) inner = applyRule(inner, rule, type);
      return {
        userId: userId === undefined ? undefined : identifier("userId", userId),
        anonymousId: anonymousId === undefined ? undefined : identifier("anonymousId", anonymousId),
        ...inner,
        properties: inner.properties ?? {},
      };
    },
  };
}

interface Rule {
  readonly path: Path;
  readonly change: Change;
  /** Places that the path means. */
  readonly homes: readonly Path[];
}

function compileRule({ path, do: action }: FieldRule, hash: () => KeyedHash): Rule {
  const steps = parsePath(path);
  return { path: steps, change: changeOf(action, hash), homes: homesOf(steps) };
}

/**
 * A rule means what the client sent under that name, wherever it is stored: SDKs repeat traits in the context of other
 * events, and properties or traits of events that have none of their own are kept among the other fields.
 */
function homesOf(path: Path): readonly Path[] {
  switch (path[0]) {
    case "traits":
      return [path, ["context", ...path], ["extra", ...path]];
    case "properties":
      return [path, ["extra", ...path]];
    default:
      return [path];
  }
}

function changeOf(action: FieldRule["do"], hashOf: () => KeyedHash): Change {
  switch (action) {
    case "drop":
      return () => undefined;
    case "mask":
      return (value) => changeLeaves(value, maskScalar);
    case "hash": {
      const hash = hashOf();
      return (value) => changeLeaves(value, (leaf) => (leaf === null ? null : hash(String(leaf))));
    }
  }
}

type Inner = Omit<Content, IdentifierField | "properties"> & {
  readonly properties: JsonObject | undefined;
};

function applyRule(inner: Inner, rule: Rule, type: EventType): Inner {
  const { path, change, homes } = rule;
  const [root = ""] = path;
  if (isIdentifierField(root)) return path.length === 1 ? withPreviousId(inner, change) : inner;
  if (root === "**") return innerOf(changeAt({ ...inner }, path, change));
  let changed = inner;
  for (const home of homes)
    changed = changeHome(changed, home === path ? home : wholeOf(home, inner), change);
  return root === "traits" && type === "group" ? withGroupTraits(changed, rule) : changed;
}

/** Away from its own place a field may be anything: what no rule can look into is changed as a whole. */
function wholeOf(home: Path, inner: Inner): Path {
  const [root, name = ""] = home;
  const holder = inner[root as keyof Inner];
  const value = holder !== undefined && Object.hasOwn(holder, name) ? holder[name] : undefined;
  return value === undefined || isObject(value) ? home : home.slice(0, 2);
}

function changeHome(inner: Inner, home: Path, change: Change): Inner {
  const root = home[0] as keyof Inner;
  const value = inner[root];
  if (value === undefined) return inner;
  const changed = changeAt(value, home, change, 1);
  return changed === value ? inner : { ...inner, [root]: objectOf(changed) };
}

/** The traits of a group are its event's properties; which group it is is no trait. */
function withGroupTraits(inner: Inner, { path, change }: Rule): Inner {
  const { properties } = changeHome(inner, ["properties", ...path.slice(1)], change);
  const groupId = inner.properties?.groupId;
  return { ...inner, properties: groupId === undefined ? properties : { ...properties, groupId } };
}

function innerOf(whole: Json | undefined): Inner {
  const { properties, traits, context, extra } = objectOf(whole) ?? {};
  return {
    properties: objectOf(properties),
    traits: objectOf(traits),
    context: objectOf(context),
    extra: objectOf(extra),
  };
}

function isIdentifierField(root: string): root is IdentifierField {
  return (identifierFields as readonly string[]).includes(root);
}

/** An alias's earlier id is an identifier too, of either kind; other events may carry one that means nothing. */
function withPreviousId(inner: Inner, change: Change): Inner {
  const within = (object: JsonObject | undefined) =>
    object === undefined ? object : objectOf(changeAt(object, ["previousId"], change));
  return { ...inner, properties: within(inner.properties), extra: within(inner.extra) };
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** What is no address cannot be masked, and goes. Events of one request mostly have one address. */
function addressChanger(ip: NonNullable<PrivacyPolicy["ip"]>) {
  let last: Json = "";
  let lastMasked: string | undefined;
  return (context: JsonObject | undefined): JsonObject | undefined => {
    if (ip === "keep" || context === undefined || context.ip === undefined) return context;
    const { ip: address } = context;
    if (address !== last) {
      lastMasked =
        ip === "mask" && typeof address === "string" ? maskAddress(address.trim()) : undefined;
      last = address;
    }
    if (lastMasked !== undefined) return { ...context, ip: lastMasked };
    const { ip: _dropped, ...others } = context;
    return others;
  };
}
