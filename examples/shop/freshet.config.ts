/** Runs the shop: `npm start` in the repository's root starts this configuration. */
import { defineConfig } from "freshet";
import { crmSecret } from "./crm.ts";
import { shopSite } from "./site.ts";

export default defineConfig({
  plan: "./plan.ts",
  site: shopSite,
  // What the plan's `send("crm", ...)` reaches: here the shop's own stand-in for a CRM.
  destinations: {
    crm: {
      url: process.env["SHOP_CRM_URL"] ?? "/shop/crm",
      secret: crmSecret,
    },
  },
});
