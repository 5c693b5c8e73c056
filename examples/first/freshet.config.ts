import { defineConfig } from "freshet";

export default defineConfig({ plan: "./plan.ts" });
