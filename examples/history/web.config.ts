import { defineConfig } from "freshet";

export default defineConfig({ plan: "./web-plan.ts" });
