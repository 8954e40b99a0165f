import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/support/summary-reporter.ts"],
    // Deadlines are for what hangs; on a loaded machine with one core everything takes its time.
    testTimeout: 90_000,
    hookTimeout: 180_000,
    retry: 0,
    // Real servers and processes: more at a time would only wait for each other.
    maxWorkers: 2,
  },
});
