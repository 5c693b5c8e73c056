import type { Json } from "@freshet/protocol";
import type { ContractPolicy } from "../contract/policy.ts";
import { compileOrigins, type Origins } from "../origin.ts";
import { Activity } from "./activity.ts";
import type { ReadAgent } from "./agent.ts";
import { campaignReader, type ReadCampaign } from "./campaign.ts";
import { consentReader, type ReadConsent } from "./consent.ts";
import { EdgeCounts } from "./counts.ts";
import type { Locate } from "./geo.ts";
import { type IdentityCheck, identityChecker } from "./identity.ts";
import { keysOfSet, publicVerifyKey, secretVerifyKey, type VerifyKey } from "./jwt.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { edgeLimits } from "./limits.ts";
import type { BotPolicy, EdgePolicy, IdentityKey, SuspiciousPolicy } from "./policy.ts";
import { compilePrivacy, type Privacy } from "./privacy.ts";
import { createRateGate, type RateGate } from "./rate-limit.ts";

/**
 * What is done for a source at the edge, compiled from its settings. What is not asked for is undefined and costs
 * nothing. Buckets, caches and counts are the only state that accept has; all of it is bounded, none of it is kept.
 */
export interface Edge {
  readonly counts: EdgeCounts;
  readonly origins: Origins | undefined;
  readonly rate: RateGate | undefined;
  readonly consent: ReadConsent | undefined;
  /** Makes the checks of one request. */
  readonly identity: (() => IdentityCheck) | undefined;
  /** Set where anything looks at user agents. */
  readonly agent: ReadAgent | undefined;
  readonly device: boolean;
  readonly bots: BotPolicy;
  readonly suspicious: Suspicious | undefined;
  readonly campaign: ReadCampaign | undefined;
  readonly locate: Locate | undefined;
  readonly privacy: Privacy | undefined;
  readonly contracts: ContractPolicy | undefined;
}

export interface Suspicious {
  readonly eventsPerSecond: number;
  readonly userAgentMissing: boolean;
  readonly activity: Activity;
}

/** What settings refer to, resolved by whoever reads files and environment. */
export interface EdgeServices {
  readonly source: string;
  readonly agents: (patterns: readonly (string | RegExp)[]) => ReadAgent;
  /** Undefined where no database of places is configured. */
  readonly locate: Locate | undefined;
  /** Throws where there is no key to hash with. */
  readonly hash: () => KeyedHash;
  /** The contents of a key set's file. */
  readonly readKeySet: (path: string) => Json;
}

/** Undefined where the settings ask for nothing. Throws an error in words for keys that cannot be used. */
export function createEdge(policy: EdgePolicy, services: EdgeServices): Edge | undefined {
  const { allowedOrigins, rateLimit, consent, identity, privacy, contracts } = policy;
  const { device = true, campaign = true, geo = true } = policy.context ?? {};
  const bots = policy.bots ?? "mark";
  const suspicious = suspiciousOf(policy.suspicious ?? false);
  const locate = geo ? services.locate : undefined;
  const looksAtAgents = device || bots !== "ignore" || suspicious !== undefined;
  const asks = [allowedOrigins, rateLimit, consent, identity, privacy, contracts, locate];
  if (!looksAtAgents && !campaign && asks.every((asked) => asked === undefined)) return undefined;
  return {
    counts: new EdgeCounts(),
    origins: allowedOrigins && compileOrigins(allowedOrigins),
    rate: rateLimit && createRateGate(rateLimit, services.source),
    consent: consent && consentReader(consent),
    identity: identity && identityChecker(identity, verifyKeys(identity.keys, services)),
    agent: looksAtAgents ? services.agents(policy.botPatterns ?? []) : undefined,
    device,
    bots,
    suspicious,
    campaign: campaign ? campaignReader() : undefined,
    locate,
    privacy: privacy && compilePrivacy(privacy, services.hash),
    contracts,
  };
}

function suspiciousOf(policy: boolean | SuspiciousPolicy): Suspicious | undefined {
  if (policy === false) return undefined;
  const { eventsPerSecond, userAgentMissing } = policy === true ? {} : policy;
  return {
    eventsPerSecond: eventsPerSecond ?? edgeLimits.suspiciousEventsPerSecond,
    userAgentMissing: userAgentMissing ?? true,
    activity: new Activity(),
  };
}

function verifyKeys(keys: readonly IdentityKey[], { readKeySet }: EdgeServices): VerifyKey[] {
  return keys.flatMap(({ secret, publicKey, jwks, id }) => {
    if (secret !== undefined) return [secretVerifyKey(secret, id)];
    if (publicKey !== undefined) return [publicVerifyKey(publicKey, id)];
    return jwks === undefined ? [] : keysOfSet(readKeySet(jwks));
  });
}
