/** Can a person follow a run whose tasks have very many instances? */
import { describe, expect, test } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import type { Change } from "../../internal/core/change.ts";
import type { Task } from "../../internal/core/model.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { RunReport } from "../../internal/executor/run-report.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import { LiveDisplay } from "../../internal/telemetry/live-display.ts";
import { PlainDisplay } from "../../internal/telemetry/plain-display.ts";
import { Progress } from "../../internal/telemetry/progress.ts";
import { dag, task } from "../support/dags.ts";
import { TestRun } from "../support/facts.ts";
import { fails, files, handsOver } from "../support/handed.ts";

const TASKS = [
  task("list"),
  task("fetch", { dependsOn: ["list"], fanMode: "single" }),
  task("pack", { dependsOn: ["fetch"], fanMode: "aggregate" }),
];

/** A run as its displays see it. */
class Shown {
  readonly run: TestRun;
  readonly progress: Progress;
  readonly #report: RunReport;
  readonly #plain: PlainDisplay;
  readonly #lines: string[] = [];

  constructor(tasks: Task[] = TASKS) {
    this.run = new TestRun(dag(tasks));
    this.progress = new Progress({ runId: "run", dag: "d", tasks: tasks.length }, () => 0);
    const plain = new PlainDisplay(this.progress, (text) => this.#lines.push(text.trimEnd()));
    this.#report = new RunReport({
      observe: (observation) => {
        if (this.progress.take(observation)) plain.show(observation);
      },
    });
    this.#plain = plain;
  }
  outcomes(...items: Outcome[]): void {
    this.tell(this.run.outcomes(...items));
  }

  tell(change: Change): void {
    this.#report.tell(this.run.fold, change, this.run.facts.at(-1) as LoggedFact);
  }

  starts(id: string, index = 0, attempt = 1): void {
    const started: Observation = {
      kind: "attempt-started",
      attempt: { runId: "run", task: id, index, attempt },
      workerId: "w",
    };
    if (this.progress.take(started)) this.#plain.show(started);
  }

  /** The new plain lines, without their times. */
  lines(): string[] {
    return this.#lines.splice(0).map((line) => line.replace(/^\[.*?s\] /, ""));
  }

  live(rows = 24): string[] {
    let drawn = "";
    const terminal = { columns: 80, rows, write: (text: string) => (drawn = text) };
    const display = new LiveDisplay(this.progress, { terminal, notices: () => [] });
    display.draw();
    const lines = drawn.split("\n").map((line) => line.split("\u001B")[0] ?? "");
    display.stop();
    return lines.map((line) => line.replace(/^\S+ /, "").trimEnd()).filter((line) => line !== "");
  }
}

describe("plain lines", () => {
  test("of a task with many instances every tenth is told, and how many failed", () => {
    const shown = new Shown();
    shown.outcomes(handsOver("list", files(50)));
    for (let index = 0; index < 50; index++) {
      shown.starts("fetch", index);
      shown.outcomes(index === 7 ? fails("fetch", { index }) : handsOver("fetch", ["a"], { index }));
    }
    expect(shown.lines()).toEqual([
      "list completed in 5ms on w",
      "fetch: 50 instances",
      "fetch: 5/50",
      "fetch[7] failed after 5ms (attempt 1): exit code 3",
      ...[9, 14, 19, 24, 29, 34, 39, 44, 49].map((done) => `fetch: ${done}/50, 1 failed`),
    ]);
  });

  test("of very many failures the first are told", () => {
    const shown = new Shown();
    shown.outcomes(handsOver("list", files(1_000)));
    for (let index = 0; index < 1_000; index++) shown.outcomes(fails("fetch", { index }));
    const lines = shown.lines();
    expect(lines.filter((line) => line.includes("failed after"))).toHaveLength(20);
    expect(lines.filter((line) => line.includes("further"))).toEqual([
      "fetch: further failures are only counted",
    ]);
    expect(lines.at(-1)).toBe("fetch: 0/1000, 1000 failed");
    expect(lines).toHaveLength(1 + 1 + 20 + 1 + 10);
  });

  test("of a few instances each is told by its name", () => {
    const shown = new Shown();
    shown.outcomes(handsOver("list", files(2)));
    for (const index of [1, 0]) {
      shown.starts("fetch", index);
      shown.outcomes(handsOver("fetch", [], { index }));
    }
    expect(shown.lines()).toEqual([
      "list completed in 5ms on w",
      "fetch[1] started on w",
      "fetch[1] completed in 5ms on w",
      "fetch[0] started on w",
      "fetch[0] completed in 5ms on w",
    ]);
  });

  test("a retry tells what it has from before, and counts anew", () => {
    const shown = new Shown();
    shown.outcomes(handsOver("list", files(20)));
    for (let index = 0; index < 20; index++) {
      shown.outcomes(index % 10 === 0 ? fails("fetch", { index }) : handsOver("fetch", [], { index }));
    }
    shown.lines();
    shown.tell(shown.run.add({ kind: "retry", gen: 1, tasks: [] }));
    shown.outcomes(handsOver("fetch", ["a"], { index: 0, attempt: 2 }));
    expect(shown.live()).toEqual(["d: 1/3 tasks done, 0.0s", "  fetch  19/20"]);
    shown.outcomes(handsOver("fetch", ["a"], { index: 10, attempt: 2 }));
    expect(shown.lines()).toEqual(["fetch: 20 instances, 18 of them completed before", "fetch: 20/20"]);
  });
});

describe("the live display", () => {
  test("counts the instances of each task above those that run", () => {
    const shown = new Shown();
    shown.outcomes(handsOver("list", files(500)));
    for (let index = 0; index < 6; index++) shown.starts("fetch", index);
    shown.outcomes(handsOver("fetch", [], { index: 0 }), fails("fetch", { index: 1 }));
    expect(shown.live()).toEqual([
      "d: 2/3 tasks done, 1 failed, 4 running, 0.0s",
      "  fetch  1/500, 1 failed, 4 running",
      ...[2, 3, 4, 5].map((index) => `  ▸ fetch[${index}]  w  0.0s`),
    ]);
  });

  test("stays within the window, whatever runs", () => {
    const wide = Array.from({ length: 30 }, (_, i) =>
      task(`t${i}`, { dependsOn: ["list"], fanMode: "single" }),
    );
    const shown = new Shown([task("list"), ...wide]);
    shown.outcomes(handsOver("list", files(50)));
    for (const { id } of wide) for (let index = 0; index < 50; index++) shown.starts(id, index);
    const lines = shown.live(12);
    expect(lines).toHaveLength(9);
    expect(lines[1]).toBe("  t0  0/50, 50 running");
    expect(lines.at(-1)).toMatch(/^ {2}… and \d+ more$/);
  });

  test("counts as done what ends without an attempt, and an instance as no task", () => {
    const shown = new Shown([
      task("list"),
      task("none", { dependsOn: ["list"], fanMode: "single" }),
      task("below", { dependsOn: ["none"] }),
      task("other"),
    ]);
    shown.outcomes(handsOver("list", []));
    expect(shown.live()).toEqual(["d: 2/4 tasks done, 0.0s"]);
  });
});
