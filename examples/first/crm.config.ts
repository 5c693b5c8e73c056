import { defineConfig } from "freshet";

export default defineConfig({
  plan: "./crm.plan.ts",
  sources: [{ name: "backend", writeKey: "wk_backend", kind: "server" }],
  destinations: {
    crm: {
      url: process.env["CRM_URL"] ?? "http://127.0.0.1:9000/hooks/freshet",
      secret: process.env["CRM_SECRET"] ?? "whsec_bm90IGEgc2VjcmV0LCBtYWtlIHlvdXIgb3du",
    },
  },
});
