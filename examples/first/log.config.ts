import { defineConfig } from "freshet";

// snippet: format
export default defineConfig({ plan: "./plan.ts", log: { format: "protobuf" } });
// end snippet
