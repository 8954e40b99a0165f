import { expect, test } from "vitest";
import { nextSteps } from "../../cmd/dag/advice.ts";
import type { TaskResult } from "../../internal/core/result.ts";

const failed = (attempts: number): TaskResult => ({
  state: "failed",
  attempts,
  error: { reason: "exit-nonzero", message: "exit code 1" },
});

test.each([
  ["for a task that has none", [failed(1)], true],
  ["not for one that was tried again already", [failed(3)], false],
  ["for the one of two that has none", [failed(3), failed(1)], true],
])("retries are suggested %s", (_name, all, isSuggested) => {
  const tasks = Object.fromEntries(all.map((task, i) => [`t${i}`, task]));
  const steps = nextSteps(
    { runId: "r", dag: "d", state: "failed", durationMs: 1, tasks },
    { definition: "d.yaml" },
  );
  expect(steps.map(([what]) => what).includes("retries: 3")).toBe(isSuggested);
});

test("the log of the first task that failed is pointed to where there is one", () => {
  const skipped: TaskResult = { state: "upstream_failed", attempts: 0 };
  const tasks = { a: { state: "completed", attempts: 1 }, b: skipped, c: failed(2), d: failed(1) } as const;
  const run = { runId: "r", dag: "d", state: "failed", durationMs: 1, tasks } as const;
  const logsOf = (cluster?: string): string[] =>
    nextSteps(run, cluster === undefined ? {} : { cluster }).flatMap(([what]) =>
      what.startsWith("dag logs") ? what : [],
    );
  expect(logsOf("--nats nats://host:4222")).toEqual(["dag logs r c --nats nats://host:4222"]);
  expect(logsOf()).toEqual([]);
});
