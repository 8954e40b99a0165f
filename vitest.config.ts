import { defineConfig } from "vitest/config";

// What the programs under test print goes into pipes; the colours of the terminal around are not for them.
// oxlint-disable-next-line node/no-process-env
delete process.env.FORCE_COLOR;

/** How much of the code is at least to be run by the tests in their own process, in percent of its lines. */
const covered = {
  "internal/tasks/bash*.ts": 90,
  "internal/tasks/http*.ts": 85,
  "internal/tasks/function*.{ts,mjs}": 95,
  // Where the set-up has made what their tests need; elsewhere these say that they were skipped.
  // oxlint-disable-next-line node/no-process-env
  ...(process.env.TEST_TASK_IMAGE === undefined ? {} : { "internal/tasks/docker*.ts": 80 }),
  // The sequential executor, and what it is made of.
  "{cmd/library/{library-executor,local,options}.ts,internal/{executor,memory,worker}/*.ts}": 80,
};

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
    // With --coverage, as in `npm test`.
    coverage: {
      provider: "v8",
      include: Object.keys(covered),
      thresholds: Object.fromEntries(Object.entries(covered).map(([files, lines]) => [files, { lines }])),
      reporter: ["text-summary"],
    },
  },
});
