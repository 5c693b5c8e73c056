/** Sources that take broken contracts differently. */
import { defineConfig } from "freshet";

export default defineConfig({
  plan: "./contracts.plan.ts",
  // snippet: policies
  defaults: { contracts: { violation: "deadLetter", unknown: "accept" } },
  sources: [
    {
      name: "legacy",
      writeKey: "wk_legacy",
      kind: "server",
      contracts: { violation: "mark" },
    },
    {
      name: "partner",
      writeKey: "wk_partner",
      kind: "server",
      contracts: { violation: "refuse", unknown: "refuse" },
    },
  ],
  // end snippet
});
