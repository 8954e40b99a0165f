/** Are the figures of the fault tests what they say? */
import { describe, expect, test } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import type { Execution, Fault } from "../faults/support/evidence.ts";
import { rowOf, spread, table, tooSlow } from "../faults/support/figures.ts";
import { measureLosses } from "../faults/support/measures.ts";
import { failed, RUN_SEQ } from "../support/facts.ts";

const FINDINGS = {
  lost: [],
  acceptedTwice: [],
  dependencyBroken: [],
  startedAfterCancel: [],
  unexplained: [],
  doubled: 2,
  again: 1,
  explainedBy: {},
  voids: { late: 3 },
};
const shown = { fault: "f", trials: 2, runs: 9, longestWaitMs: 4_000, findings: FINDINGS };

test("the spread is made of values that were measured", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(spread(values)).toEqual({ p50: 50, p99: 99, max: 100 });
  expect(spread([7])).toEqual({ p50: 7, p99: 7, max: 7 });
  expect(spread([])).toBeUndefined();
});

test("only what takes more than three times its bound is too slow, and so is what was never measured", () => {
  const row = (ms: number[]): ReturnType<typeof rowOf> =>
    rowOf({ ...shown, measured: { recoveryMs: ms }, bounds: { p50: 100, max: 200, wait: 1_400 } });
  expect(tooSlow(row([300, 300, 600]))).toEqual([]);
  expect(tooSlow(row([300, 301, 601]))).toEqual([
    "p50 of the recovery: 301 ms, bound 100 ms",
    "max of the recovery: 601 ms, bound 200 ms",
  ]);
  expect(tooSlow(row([]))).toHaveLength(2);
});

test("the table has a line for each fault", () => {
  const measured = { hit: 3, stuck: ["x"], detectionMs: [1_000], recoveryMs: [1_000, 2_500] };
  expect(table([rowOf({ ...shown, measured }), rowOf(shown)]).split("\n")).toEqual([
    "| fault | trials | recovered | detection s        | recovery s         | longest wait s | again | doubled | void | lost |",
    "| ----- | ------ | --------- | ------------------ | ------------------ | -------------- | ----- | ------- | ---- | ---- |",
    "| f     | 2      | 2 of 3    | 1.00 / 1.00 / 1.00 | 1.00 / 2.50 / 2.50 | 4.00           | 1     | 2       | 3    | 0    |",
    "| f     | 2      | 2 of 2    | -                  | -                  | 4.00           | 1     | 2       | 3    | 0    |",
  ]);
});

describe("losses", () => {
  const killed: Fault = { kind: "worker killed", target: "w1", from: 100 };
  const execution = (worker: string, attempt: number, times: [number, number?]): Execution => {
    const [startedAt, endedAt] = times;
    const end = endedAt === undefined ? {} : { end: { at: endedAt, how: "completed" as const } };
    return {
      run: "run",
      task: "a",
      attempt,
      worker,
      token: `${worker}-${attempt}`,
      inputs: {},
      startedAt,
      ...end,
    };
  };
  const lost = (time: number): LoggedFact => ({
    seq: RUN_SEQ + 1,
    time,
    runId: "run",
    partition: 0,
    fact: {
      kind: "outcomes",
      runSeq: RUN_SEQ + 1,
      items: [{ ...failed("a", 1, "lost"), worker: "w1" }],
      queue: "q",
      incarnation: "e",
      n: 1,
    },
  });

  test("count from the fault to the verdict, and to the start elsewhere", () => {
    const executions = [execution("w1", 1, [90]), execution("w2", 2, [160, 170])];
    expect(measureLosses([killed], { facts: [lost(150)], executions })).toEqual({
      hit: 1,
      stuck: [],
      detectionMs: [50],
      recoveryMs: [60],
    });
  });

  test("what has not run elsewhere is not recovered", () => {
    const executions = [execution("w1", 1, [90])];
    expect(measureLosses([killed], { facts: [], executions })).toMatchObject({
      hit: 1,
      stuck: ["run a attempt 1 of w1"],
    });
  });

  test("what had ended before, or ran on another, was not hit", () => {
    const executions = [execution("w1", 1, [90, 99]), execution("w2", 2, [95])];
    expect(measureLosses([killed], { facts: [], executions })).toMatchObject({ hit: 0 });
  });

  test("what was lost before it had started was hit too", () => {
    const executions = [execution("w2", 2, [160, 170])];
    expect(measureLosses([killed], { facts: [lost(150)], executions })).toMatchObject({
      hit: 1,
      recoveryMs: [60],
    });
  });
});
