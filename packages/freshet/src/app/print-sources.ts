import type { EdgePolicy } from "../accept/index.ts";
import type { Settings } from "./config.ts";
import { policyIn } from "./edge.ts";
import { policyOf, type SourceConfig } from "./source-config.ts";

/** What each source does with its events, one line each; names and never keys. */
export function sourceLines(settings: Pick<Settings, "sources" | "defaults" | "geo">): string[] {
  const own: SourceConfig = { name: "default", writeKey: "", kind: "browser" };
  return [own, ...settings.sources].map((config) => {
    const policy = policyOf(policyIn(config), settings.defaults);
    const parts = describePolicy(policy, settings.geo !== undefined);
    return `"${config.name}" (${config.kind}): ${parts.join("; ")}`;
  });
}

/** As `freshet plan` shows them. */
export function printSources(settings: Parameters<typeof sourceLines>[0]): string {
  const lines = sourceLines(settings);
  return `sources (${lines.length})\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function describePolicy(policy: EdgePolicy, hasGeo: boolean): string[] {
  const { context = {}, rateLimit, allowedOrigins, privacy, consent, identity } = policy;
  const { device = true, campaign = true, geo = true } = context;
  const added = [device && "device", campaign && "campaign", geo && hasGeo && "geo"].filter(
    Boolean,
  );
  return [
    added.length === 0 ? "adds no context" : `adds ${added.join(", ")}`,
    `bots: ${policy.bots ?? "mark"}`,
    ...(policy.suspicious ? ["marks suspicious clients"] : []),
    ...(rateLimit === undefined ? [] : [rateText(rateLimit)]),
    ...(allowedOrigins === undefined
      ? []
      : [`only from ${allowedOrigins.join(", ") || "nowhere"}`]),
    ...(privacy === undefined ? [] : privacyTexts(privacy)),
    ...(consent?.required === undefined ? [] : [`needs consent to ${consent.required}`]),
    ...(identity === undefined ? [] : [identityText(identity)]),
    ...contractTexts(policy.contracts ?? {}),
  ];
}

/** What is not the default. */
function contractTexts({ violation, unknown }: NonNullable<EdgePolicy["contracts"]>): string[] {
  return [
    ...(violation === undefined || violation === "deadLetter"
      ? []
      : [`broken contracts: ${violation}`]),
    ...(unknown === undefined || unknown === "accept" ? [] : [`unknown events: ${unknown}`]),
  ];
}

function rateText({ eventsPerSecond, perAddress }: NonNullable<EdgePolicy["rateLimit"]>): string {
  const each = perAddress === undefined ? "" : `, ${perAddress.eventsPerSecond}/s an address`;
  return `at most ${eventsPerSecond} events/s${each}`;
}

function privacyTexts({ ip = "keep", fields = [] }: NonNullable<EdgePolicy["privacy"]>): string[] {
  const rules = fields.map(({ path, do: action }) => `${action} ${path}`);
  return ip === "keep" ? rules : [`${ip} the address`, ...rules];
}

function identityText({ required = true, onMissing }: NonNullable<EdgePolicy["identity"]>): string {
  if (!required) return "checks identity tokens that come";
  return onMissing === "anonymous"
    ? "user ids without an identity token are removed"
    : "user ids need an identity token";
}
