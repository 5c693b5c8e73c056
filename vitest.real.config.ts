import { defineConfig } from "vitest/config";

/** What needs more: a browser, real data. A missing part is a failure, never a skip. */
export default defineConfig({
  test: {
    include: ["packages/*/test/real/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
});
