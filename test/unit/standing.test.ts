/** Which copies of attempts are over for good, and which are only ahead of who folds the run. */
import { expect, test } from "vitest";
import type { AttemptOfRun } from "../../internal/core/attempt.ts";
import { standingOf } from "../../internal/core/standing.ts";
import { dag, task } from "../support/dags.ts";
import { completed, failed, RUN_SEQ, TestRun } from "../support/facts.ts";

const once = { backoff: "fixed", initialMs: 1, factor: 1, maxMs: 60_000, jitter: 0 } as const;
const chain = dag([task("a", { retries: 1, retry: once }), task("b", { dependsOn: ["a"] })]);

function attemptOf(id: string, attempt = 1, more: Partial<AttemptOfRun> = {}): AttemptOfRun {
  return { runId: "run", task: id, index: 0, attempt, runSeq: RUN_SEQ, ...more };
}

test("what the run has not got to is yet to come, and then current, and then over", () => {
  const run = new TestRun(chain);
  const standings = (): string[] =>
    [attemptOf("a"), attemptOf("a", 2), attemptOf("b")].map((attempt) => standingOf(run.fold, attempt));
  expect(standings()).toEqual(["current", "to-come", "to-come"]);
  run.outcomes(failed("a"));
  expect(standings()).toEqual(["over", "current", "to-come"]);
  run.outcomes(completed("a", 2));
  expect(standings()).toEqual(["over", "over", "current"]);
});

test("after the end a retry may bring what has not completed, until the run is retired", () => {
  const run = new TestRun(chain);
  run.outcomes(completed("a"), failed("b"));
  const standings = (): string[] =>
    [attemptOf("a", 2), attemptOf("b"), attemptOf("b", 2)].map((attempt) => standingOf(run.fold, attempt));
  expect(standings()).toEqual(["over", "over", "to-come"]);
  run.add({ kind: "retired", gen: 1, state: "failed", durationMs: 1 });
  expect(standings()).toEqual(["over", "over", "over"]);
});

test("what is retried is over while it waits for what is retried before it", () => {
  const run = new TestRun(dag([task("a", { allowFailure: true }), task("b", { dependsOn: ["a"] })]));
  run.outcomes(failed("a"));
  run.outcomes(failed("b"));
  run.add({ kind: "retry", gen: 1, tasks: [] });
  expect(standingOf(run.fold, attemptOf("b"))).toBe("over");
  expect(standingOf(run.fold, attemptOf("b", 2))).toBe("to-come");
});

test("what is of no run, another one, or no task of it is over", () => {
  const { fold } = new TestRun(chain);
  const strange = [
    attemptOf("a", 1, { runSeq: RUN_SEQ + 1 }),
    attemptOf("a", 1, { index: 1 }),
    attemptOf("x"),
  ];
  expect(strange.map((attempt) => standingOf(fold, attempt))).toEqual(["over", "over", "over"]);
  expect(standingOf(undefined, attemptOf("a"))).toBe("over");
});
