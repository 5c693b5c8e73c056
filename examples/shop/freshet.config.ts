/** Runs the shop: `npm start` in the repository's root starts this configuration. */
import { defineConfig } from "freshet";
import { shopSite } from "./site.ts";

export default defineConfig({
  plan: "./plan.ts",
  site: shopSite,
});
