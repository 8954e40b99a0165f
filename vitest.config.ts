import { defineConfig } from "vitest/config";

// What the programs under test print goes into pipes; the colours of the terminal around are not for them.
// oxlint-disable-next-line node/no-process-env
delete process.env.FORCE_COLOR;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A run of their own: see vitest.faults.config.ts.
    exclude: ["test/faults/**"],
    reporters: ["default", "./test/support/summary-reporter.ts"],
    // Deadlines are for what hangs; on a loaded machine with one core everything takes its time.
    testTimeout: 90_000,
    hookTimeout: 180_000,
    retry: 0,
    // Real servers and processes: more at a time would only wait for each other.
    maxWorkers: 2,
  },
});
