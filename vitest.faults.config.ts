import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** Real faults, one test after the other: their times are reported. */
export default defineConfig({
  test: {
    ...base.test,
    include: ["test/faults/**/*.test.ts"],
    exclude: [],
    reporters: ["default", "./test/faults/support/fault-reporter.ts", "./test/support/summary-reporter.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
  },
});
