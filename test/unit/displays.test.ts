import { describe, expect, test } from "vitest";
import type { Observation } from "../../internal/ports/observer.ts";
import type { RunResult, TaskResult } from "../../internal/core/result.ts";
import { LiveDisplay } from "../../internal/telemetry/live-display.ts";
import { PlainDisplay } from "../../internal/telemetry/plain-display.ts";
import { Progress } from "../../internal/telemetry/progress.ts";
import { summary } from "../../internal/telemetry/summary.ts";
import { columns } from "../../internal/telemetry/text.ts";

const LONG = "a".repeat(99);
const NO_ADVICE = { leaves: [], next: [] };

function resultOf(tasks: Readonly<Record<string, TaskResult>>): RunResult {
  return { runId: "r1", dag: "d", state: "failed", durationMs: 1_000, tasks };
}

const good: TaskResult = { state: "completed", attempts: 1, worker: "local-1", durationMs: 85 };
const bad: TaskResult = {
  state: "failed",
  attempts: 2,
  worker: "local-2",
  durationMs: 12_300,
  error: { reason: "exit-nonzero", message: "exit code 1" },
};

describe("the table at the end", () => {
  test.each([
    [110, `${"a".repeat(78)}…  failed  2      local-2  12.3s`],
    [40, `${"a".repeat(8)}…  failed  2      local-2  12.3s`],
  ])("%i columns: a long id leaves room for state, tries, worker and time", (width, row) => {
    const lines = summary(resultOf({ [LONG]: bad }), { width, ...NO_ADVICE }).split("\n");
    expect(lines[2]).toBe(row);
    expect(lines[1]).toMatch(/^TASK +STATE +TRIES +WORKER +TIME$/);
    expect(row.length).toBeLessThanOrEqual(width);
  });

  const many = (count: number, badAt: (i: number) => boolean): RunResult =>
    resultOf(Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, badAt(i) ? bad : good])));
  const shownBy = (result: RunResult): { rows: string[]; more: string | undefined } => {
    const lines = summary(result, { width: Number.POSITIVE_INFINITY, ...NO_ADVICE }).split("\n");
    const rows = lines.flatMap((line) => /^(t\d+) +(?:completed|failed) /.exec(line)?.[1] ?? []);
    return { rows, more: lines.find((line) => line.includes("more task")) };
  };

  test("of many tasks those that failed come first, then the first of the others", () => {
    expect(shownBy(many(45, (i) => i === 43))).toEqual({
      rows: ["t43", ...Array.from({ length: 39 }, (_, i) => `t${i}`)],
      more: "… and 5 more tasks: 5 completed",
    });
    expect(shownBy(many(41, () => false)).more).toBe("… and 1 more task: 1 completed");
    expect(shownBy(many(45, () => true)).more).toBe("… and 5 more tasks: 5 failed");
    expect(shownBy(many(40, () => false))).toMatchObject({ rows: { length: 40 }, more: undefined });
  });
});

describe("what was skipped", () => {
  const own: TaskResult = { state: "skipped", attempts: 1, skipped: "no new\nrows" };

  test("is counted, and says why; what depends on it is only counted", () => {
    const result = resultOf({ look: own, load: { state: "skipped", attempts: 0 }, other: good });
    const text = summary({ ...result, state: "completed" }, { width: 80, ...NO_ADVICE });
    expect(text).toContain("\nTasks Succeeded: 1\nTasks Failed: 0\nTasks Skipped: 2\n");
    expect(text.match(/^- .*$/gm)).toEqual(["- look skipped: no new rows"]);
  });

  test("is not spoken of where there is none", () => {
    const text = summary(resultOf({ other: good }), { width: 80, ...NO_ADVICE });
    expect(text).not.toMatch(/skipped/i);
  });

  test("of many the first are told", () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`t${i}`, own]));
    const text = summary(resultOf(many), { width: 80, ...NO_ADVICE });
    expect(text.match(/^- t/gm)).toHaveLength(10);
    expect(text).toContain("… and 2 more\n");
  });
});

describe("what ends as neither success nor failure", () => {
  const base = { task: "look", index: 0, attempt: 3, worker: "w", durationMs: 12 } as const;
  const told = (observation: Observation & { kind: "attempt-ended" }): string => {
    const progress = new Progress({ runId: "r1", dag: "d", tasks: 2 }, () => 0);
    let text = "";
    const display = new PlainDisplay(progress, (more) => (text += more));
    progress.take(observation);
    display.show(observation);
    return text;
  };
  const ended = { kind: "attempt-ended", runId: "r1", type: "t" } as const;
  const error = { reason: "not-yet", message: "no file yet" } as const;

  const vain = { ...ended, outcome: { ...base, state: "failed", error } } as const;

  test.each([
    [
      { ...ended, outcome: { ...base, state: "skipped", message: "nothing new" } },
      "look skipped: nothing new",
    ],
    [{ ...vain, retryInMs: 30_000 }, "look looked in vain (attempt 3): no file yet; looking again in 30.0s"],
    [vain, "look failed after 12ms (attempt 3): no file yet"],
  ] as const)("as a plain line", (observation, line) => {
    expect(told(observation)).toBe(`[  0.00s] ${line}\n`);
  });

  test("the live display says when it looks again", () => {
    const progress = new Progress({ runId: "r1", dag: "d", tasks: 1 }, () => 0);
    progress.take({ ...vain, retryInMs: 5_000 });
    let drawn = "";
    const terminal = { columns: 80, rows: 24, write: (text: string) => (drawn = text) };
    const display = new LiveDisplay(progress, { terminal, notices: () => [] });
    display.draw();
    const shown = drawn;
    display.stop();
    expect(shown).toContain("↻ look  looking again in 5.0s    attempt 4");
  });
});

describe("columns", () => {
  test("the widest gives way first; one that is to be copied stays whole", () => {
    const rows = [["0123456789", "abcdefghijkl", "xy"]];
    expect(columns(rows, { width: 26 })).toEqual(["0123456789  abcdefghi…  xy"]);
    expect(columns(rows, { width: 18 })).toEqual(["0123456…  abc…  xy"]);
    expect(columns(rows, { width: 12, whole: 0 })).toEqual(["0123456789 …"]);
    expect(columns(rows)).toEqual(["0123456789  abcdefghijkl  xy"]);
  });
});

test.each([110, 40])("the live display in %i columns: a long id leaves room for worker and time", (width) => {
  const progress = new Progress({ runId: "r1", dag: "d", tasks: 1 }, () => 0);
  const started: Observation = {
    kind: "attempt-started",
    attempt: { runId: "r1", task: LONG, index: 0, attempt: 2 },
    workerId: "local-1",
  };
  progress.take(started);
  let drawn = "";
  const terminal = { columns: width, rows: 24, write: (text: string) => (drawn = text) };
  const display = new LiveDisplay(progress, { terminal, notices: () => [] });
  display.draw();
  const line = drawn.split("\n").find((each) => each.includes("▸")) ?? "";
  display.stop();
  expect(line).toContain("…  local-1  0.0s  attempt 2");
  expect(line.replace("\u001B[K", "").length).toBeLessThan(width);
});
