/** Sources that each want something else done before the log. */
import { defineConfig } from "freshet";

const demandingShop = {
  name: "shop",
  writeKey: "wk_shop",
  kind: "browser",
  // snippet: limits
  bots: "refuse",
  botPatterns: ["shopmonitor", /^PriceCheck\//],
  suspicious: { eventsPerSecond: 30 },
  rateLimit: { eventsPerSecond: 2000, perAddress: { eventsPerSecond: 50, burst: 200 } },
  allowedOrigins: ["https://shop.example", "https://*.shop.example"],
  // end snippet
} as const;

const carefulApp = {
  name: "app",
  writeKey: "wk_app",
  kind: "browser",
  // snippet: privacy
  privacy: {
    ip: "mask",
    fields: [
      { path: "traits.*", do: "drop" },
      { path: "properties.email", do: "mask" },
      { path: "**.phone", do: "hash" },
    ],
  },
  // end snippet
  // snippet: consent
  consent: { purposes: ["analytics", "marketing"], required: "analytics", default: "denied" },
  // end snippet
} as const;

const account = {
  name: "account",
  writeKey: "wk_account",
  kind: "browser",
  // snippet: identity
  identity: {
    keys: [{ secret: process.env["IDENTITY_SECRET"] ?? "not a secret, make your own of 32 bytes" }],
    onMissing: "anonymous",
    audience: "freshet",
  },
  // end snippet
} as const;

export default defineConfig({
  plan: "./edge.plan.ts",
  // snippet: defaults
  defaults: {
    context: { device: true, campaign: true },
    bots: "mark",
    privacy: { fields: [{ path: "userId", do: "hash" }] },
  },
  hashKey: process.env["HASH_KEY"] ?? "not a secret: openssl rand -base64 32",
  // end snippet
  sources: [demandingShop, carefulApp, account],
});
