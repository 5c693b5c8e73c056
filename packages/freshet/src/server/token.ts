import { hkdfSync } from "node:crypto";
import { FreshetError } from "@freshet/protocol";
import { errors, jwtVerify, SignJWT } from "jose";
import type { Clock } from "../engine/port/clock.ts";

/** What a profile token says: whose it is, and until when, in milliseconds since 1970. */
export interface ProfileClaim {
  readonly profileId: string;
  readonly expiresAt: number;
}

/** Short-lived tokens for one profile each, which pages hold instead of the secret key. */
export interface Tokens {
  mint(profileId: string, seconds: number): Promise<{ readonly token: string } & ProfileClaim>;
  /** Rejects with `tokenInvalid` or `tokenExpired`. */
  verify(token: string): Promise<ProfileClaim>;
}

const algorithm = "HS256";
/** Says what the token is for, so that one made for something else by the same key is refused. */
const audience = "freshet:profile";

export function createTokens(secretKey: string, clock: Clock): Tokens {
  const key = deriveKey(secretKey);
  return {
    async mint(profileId, seconds) {
      // Rounded up, since the claims are whole seconds: a token lives no shorter than was asked.
      const now = Math.ceil(clock.now() / 1000);
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: algorithm })
        .setSubject(profileId)
        .setAudience(audience)
        .setIssuedAt(now - 1)
        .setExpirationTime(now + seconds)
        .sign(key);
      return { token, profileId, expiresAt: (now + seconds) * 1000 };
    },
    async verify(token) {
      try {
        const options = {
          algorithms: [algorithm],
          audience,
          currentDate: new Date(clock.now()),
          requiredClaims: ["sub", "exp"],
        };
        const { payload } = await jwtVerify(token, key, options);
        return { profileId: payload.sub ?? "", expiresAt: (payload.exp ?? 0) * 1000 };
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) {
          throw new FreshetError("tokenExpired", "the profile token has expired", { cause });
        }
        throw new FreshetError("tokenInvalid", "the profile token is not one of this server", {
          cause,
        });
      }
    },
  };
}

/** A key of its own: a token that is attacked offline must not give the secret key's bytes a second use. */
function deriveKey(secretKey: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secretKey, "", "freshet profile token 1", 32));
}
