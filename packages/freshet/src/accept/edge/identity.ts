import { BoundedCache } from "./cache.ts";
import { type VerifyKey, verifyJws } from "./jwt.ts";
import { edgeLimits } from "./limits.ts";
import type { IdentityPolicy } from "./policy.ts";

/** What a token proves, or why it proves nothing, in words without anything of the token. */
export type Proof = { readonly kind: "proven" } | { readonly kind: "fault"; readonly why: string };

/** The checks of one request: it may make us verify so many signatures and no more. */
export interface IdentityCheck {
  readonly policy: IdentityPolicy;
  /** Whether the token proves the user id now (milliseconds since 1970). */
  prove(token: string | undefined, userId: string, now: number): Proof;
}

interface Claims {
  readonly subject: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly notBefore: number;
}

/** Makes the checks of one request. What was verified is remembered for all of them. */
export function identityChecker(
  policy: IdentityPolicy,
  keys: readonly VerifyKey[],
): () => IdentityCheck {
  const verified = new BoundedCache<string, Claims>(edgeLimits.identityTokensMax);
  const skewSeconds = policy.clockSkewSeconds ?? edgeLimits.identitySkewSeconds;
  return () => {
    let checks = 0;
    const faults = new Map<string, string>();
    return {
      policy,
      prove(token, userId, now) {
        if (token === undefined) return fault("there is none");
        if (token.length > edgeLimits.identityTokenCharsMax) return fault("it is too long");
        let claims = verified.get(token);
        if (claims === undefined) {
          const known = faults.get(token);
          if (known !== undefined) return fault(known);
          if (++checks > edgeLimits.identityChecksMax)
            return fault(
              `it is not among the first ${edgeLimits.identityChecksMax} of its request`,
            );
          const found = claimsOf(token, policy, keys);
          if (typeof found === "string") {
            faults.set(token, found);
            return fault(found);
          }
          verified.set(token, found);
          claims = found;
        }
        return proofOf(claims, userId, { seconds: now / 1000, skewSeconds });
      },
    };
  };
}

function claimsOf(
  token: string,
  { issuer, audience }: IdentityPolicy,
  keys: readonly VerifyKey[],
): Claims | string {
  const answer = verifyJws(token, keys);
  if ("fault" in answer) return answer.fault;
  const { sub, exp, nbf, iss, aud } = answer.claims;
  if (typeof sub !== "string" || sub === "") return "it has no subject";
  if (typeof exp !== "number") return "it has no end";
  if (nbf !== undefined && typeof nbf !== "number") return "its beginning is no number";
  if (issuer !== undefined && iss !== issuer) return "its issuer is another one";
  if (audience !== undefined && aud !== audience && !(Array.isArray(aud) && aud.includes(audience)))
    return "it is for another audience";
  return { subject: sub, expires: exp, notBefore: nbf ?? 0 };
}

function proofOf(
  { subject, expires, notBefore }: Claims,
  userId: string,
  { seconds, skewSeconds }: { readonly seconds: number; readonly skewSeconds: number },
): Proof {
  if (seconds >= expires + skewSeconds) return fault("it has expired");
  if (seconds < notBefore - skewSeconds) return fault("it does not hold yet");
  return subject === userId ? { kind: "proven" } : fault("it is for another user id");
}

function fault(why: string): Proof {
  return { kind: "fault", why };
}
