import { defineConfig } from "freshet";

// snippet: throughput
export default defineConfig({
  plan: "./plan.ts",
  collector: "thread",
  log: { format: "protobuf" },
});
// end snippet
