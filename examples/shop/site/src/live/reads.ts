import { fields, isFields } from "../json.ts";
import { type Decisions, decisionsOf } from "./decision.ts";
import type { Identity } from "./identity.ts";
import { emptyProfile, type Profile, withRead } from "./profile.ts";
import type { TokenKeeper } from "./token.ts";

export async function decide(
  identity: Identity,
  tokens: TokenKeeper,
): Promise<Decisions | undefined> {
  const placements = ["homeBanner", "recommended", "greeting"];
  const body = { ...identity, placements, explain: true };
  const answer = await tokens.ask(() => "/v1/decide", { method: "POST", body });
  const decided = answer.ok && isFields(fields(answer.body).decisions);
  return decided ? decisionsOf(answer.body) : undefined;
}

/** From what was known meanwhile to what is known with the answer. */
export type ProfileChange = (known: Profile | undefined) => Profile;

export async function readProfile(tokens: TokenKeeper): Promise<ProfileChange | undefined> {
  const token = await tokens.get();
  if (token === undefined) return undefined;
  const answer = await tokens.ask((it) => `/v1/profiles/${encodeURIComponent(it.profileId)}`);
  // A profile that nobody has heard of yet is no error: it begins with the first event.
  if (!answer.ok && answer.status !== 404) return undefined;
  return (known) => {
    const base = known ?? emptyProfile(token.profileId);
    return answer.ok ? withRead(base, answer.body) : base;
  };
}
