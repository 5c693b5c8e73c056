import type { ProfileState } from "../core/profile.ts";
import { emptyProfileView } from "../core/read.ts";
import { ProfileView } from "../core/view.ts";
import type { ServerContext } from "./context.ts";

/** A profile at the moment that reads of it hold for; an empty one where nobody has seen it. */
export function viewOf(
  { engine, plan }: Pick<ServerContext, "engine" | "plan">,
  profileId: string,
  state: ProfileState | null,
): ProfileView {
  const now = engine.asOf(profileId);
  return state === null ? emptyProfileView(plan(), now) : new ProfileView(plan(), state, now);
}
