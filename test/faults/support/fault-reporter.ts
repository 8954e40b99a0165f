import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";
import { type Row, table } from "./figures.ts";

/** Closes the run with the table of what was measured; with `FAULTS_REPORT=FILE`, all of it goes there as JSON. */
export default class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows: Row[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { row } = test.meta();
        if (row !== undefined) rows.push(row);
      }
    }
    process.stdout.write(`\nTimes in seconds, as p50 / p99 / max.\n${table(rows)}\n`);
    const { FAULTS_REPORT: file = "" } = process.env;
    if (file !== "") writeFileSync(file, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
}
