import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../field.ts";
import { wellFormed } from "../text.ts";
import { BoundedCache } from "./cache.ts";
import { edgeLimits } from "./limits.ts";

/** Segment's names: `utm_campaign` is the campaign's name, all others lose their prefix. */
const nameOf = (parameter: string) =>
  parameter === "utm_campaign" ? "name" : parameter.slice("utm_".length);
/** Ids that ad networks add to the address of a page. */
const clickIds: ReadonlySet<string> = new Set(["gclid", "fbclid", "msclkid", "ttclid"]);
const campaignForm = /^utm_[a-z0-9_]{1,40}$/;
/** Parameters that are taken from one address; there are five common ones and four click ids. */
const parametersMax = 16;

/** The campaign in the address of the event's page, or undefined where there is none. */
export type ReadCampaign = (context: JsonObject) => JsonObject | undefined;

/** Everybody who follows one link brings the same query: it is read once. Long ones are not remembered. */
export function campaignReader(): ReadCampaign {
  const known = new BoundedCache<string, JsonObject | null>(edgeLimits.campaignsMax);
  return (context) => {
    const { page } = context;
    if (!isObject(page)) return undefined;
    const query = queryOf(page.search) ?? queryOf(page.url);
    // Most addresses have neither, and parsing costs more than looking.
    if (query === undefined || !/utm_|clid/i.test(query)) return undefined;
    const remembered = known.get(query);
    if (remembered !== undefined) return remembered ?? undefined;
    const campaign = readCampaign(query);
    if (query.length <= edgeLimits.campaignQueryCharsMax) known.set(query, campaign ?? null);
    return campaign;
  };
}

/** What follows the `?`, without the fragment. */
function queryOf(address: Json | undefined): string | undefined {
  if (typeof address !== "string") return undefined;
  const text = address.slice(0, edgeLimits.pageUrlCharsMax);
  const from = text.indexOf("?");
  if (from < 0) return undefined;
  const fragment = text.indexOf("#", from);
  return text.slice(from + 1, fragment < 0 ? undefined : fragment);
}

function readCampaign(query: string): JsonObject | undefined {
  const campaign: Record<string, string> = {};
  let count = 0;
  for (const [key, value] of new URLSearchParams(query)) {
    const parameter = key.toLowerCase();
    const name = clickIds.has(parameter)
      ? parameter
      : campaignForm.test(parameter)
        ? nameOf(parameter)
        : undefined;
    if (name === undefined || value === "" || Object.hasOwn(campaign, name)) continue;
    if (name === "__proto__" || ++count > parametersMax) continue;
    campaign[name] = wellFormed(value.slice(0, edgeLimits.campaignCharsMax));
  }
  return count === 0 ? undefined : campaign;
}
