import { describe, expect, test } from "vitest";
import type { Fact } from "../../internal/core/facts.ts";
import type { Owed } from "../../internal/core/change.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { dag, task } from "../support/dags.ts";
import { completed, failed, TestRun } from "../support/facts.ts";

const chain = dag([task("a"), task("b", { dependsOn: ["a"] }), task("c", { dependsOn: ["b"] })]);
const once = { backoff: "fixed", initialMs: 1, factor: 1, maxMs: 60_000, jitter: 0 } as const;

function owedIds(fold: RunFold, owed: readonly Owed[]): string[] {
  return owed.map(({ instance, attempt }) => `${fold.taskOf(instance).id}#${attempt}`);
}

describe("retry", () => {
  const diamond = dag([
    task("a"),
    task("b", { dependsOn: ["a"] }),
    task("c", { dependsOn: ["a"], retries: 1, retry: once }),
    task("d", { dependsOn: ["b", "c"] }),
  ]);
  const again = (gen: number, ...tasks: string[]): Fact => ({ kind: "retry", gen, tasks });

  test("keeps what completed; the rest runs again with new attempt numbers and its whole budget", () => {
    const run = new TestRun(diamond);
    run.outcomes(completed("a"), completed("b"), failed("c"), failed("c", 2));
    expect(run.fold.end).toBe("failed");
    expect(owedIds(run.fold, run.add(again(1)).owed)).toEqual(["c#3"]);
    expect(run.fold.end).toBeUndefined();
    expect(run.states()).toEqual({ a: "completed", b: "completed", c: "pending", d: "pending" });
    run.outcomes(failed("c", 3));
    expect(owedIds(run.fold, run.outcomes(completed("c", 4)).owed)).toEqual(["d#1"]);
    run.outcomes(completed("d"));
    expect(run.fold.end).toBe("completed");
  });

  test("what waits for a parent that runs again is not owed, and late outcomes of before are void", () => {
    const run = new TestRun(dag([task("a", { allowFailure: true }), task("b", { dependsOn: ["a"] })]));
    run.outcomes(failed("a"));
    run.outcomes(failed("b"));
    run.add(again(1));
    expect(owedIds(run.fold, run.fold.owed())).toEqual(["a#2"]);
    expect(run.outcomes(completed("b", 1)).void).toMatchObject([{ why: "not-current" }]);
    expect(owedIds(run.fold, run.outcomes(completed("a", 2)).owed)).toEqual(["b#2"]);
  });

  test("after a cancel, what was under way runs again and a late outcome of before is void", () => {
    const run = new TestRun(chain);
    run.add({ kind: "cancel", gen: 0, cause: "request", message: "" });
    expect(owedIds(run.fold, run.add(again(1)).owed)).toEqual(["a#2"]);
    expect(run.outcomes(completed("a", 1)).void).toHaveLength(1);
    expect(run.add({ kind: "cancel", gen: 0, cause: "request", message: "" }).ended).toBe(false);
    expect(run.add({ kind: "cancel", gen: 1, cause: "request", message: "" }).ended).toBe(true);
    expect(run.fold.end).toBe("cancelled");
  });

  test("of one task: it and its downstream; other failures stay and decide", () => {
    const two = dag([
      task("x"),
      task("y"),
      task("x2", { dependsOn: ["x"] }),
      task("both", { dependsOn: ["x2", "y"] }),
    ]);
    const run = new TestRun(two);
    run.outcomes(failed("x"), failed("y"));
    expect(owedIds(run.fold, run.add(again(1, "x")).owed)).toEqual(["x#2"]);
    expect(run.states()).toEqual({ x: "pending", y: "failed", x2: "pending", both: "upstream_failed" });
    run.outcomes(completed("x", 2), completed("x2"));
    expect(run.fold.end).toBe("failed");
    run.add(again(2, "y"));
    run.outcomes(completed("y", 2), completed("both"));
    expect(run.fold.end).toBe("completed");
  });

  test("one whose upstream stays failed ends again at once", () => {
    const run = new TestRun(chain);
    run.outcomes(failed("a"));
    const change = run.add(again(1, "c"));
    expect({ ended: change.ended, end: run.fold.end }).toEqual({ ended: true, end: "failed" });
  });

  test("what failed and was allowed to lets its children start while it is not run again itself", () => {
    const run = new TestRun(dag([task("a", { allowFailure: true }), task("b", { dependsOn: ["a"] })]));
    run.outcomes(failed("a"), failed("b"));
    expect(owedIds(run.fold, run.add(again(1, "b")).owed)).toEqual(["b#2"]);
    run.outcomes(failed("b", 2));
    expect(owedIds(run.fold, run.add(again(2)).owed)).toEqual(["a#2"]);
  });

  test.each([
    ["while the run goes on", []],
    ["of a run that completed", [completed("a"), completed("b"), completed("c")]],
  ])("is void %s", (_name, outcomes) => {
    const run = new TestRun(chain);
    run.outcomes(...outcomes);
    const before = run.states();
    expect(run.add(again(1)).owed).toEqual([]);
    expect({ states: run.states(), gen: run.fold.gen }).toEqual({ states: before, gen: 0 });
  });

  test("is void of a run that completed in spite of failures", () => {
    const run = new TestRun(dag([task("a")], { onFailure: "allow_partial" }));
    run.outcomes(failed("a"));
    expect(run.fold.end).toBe("completed");
    expect(run.add(again(1)).owed).toEqual([]);
  });

  test("is void when it skips a generation, or repeats one", () => {
    const run = new TestRun(chain);
    run.outcomes(failed("a"));
    expect(run.add(again(2)).owed).toEqual([]);
    run.add(again(1));
    run.outcomes(failed("a", 2));
    expect(run.add(again(1)).owed).toEqual([]);
  });

  test("the end of each generation is announced by itself, and its time limit counts from its beginning", () => {
    const run = new TestRun(dag([task("a")], { timeoutMs: 1_000 }));
    const { deadline } = run.fold;
    run.outcomes(failed("a"));
    run.add({ kind: "finished", gen: 0, state: "failed", durationMs: 1 });
    run.add(again(1));
    expect(run.fold.announced).toBe(false);
    expect(run.fold.deadline).toBeGreaterThan(deadline ?? 0);
    run.outcomes(completed("a", 2));
    run.add({ kind: "finished", gen: 0, state: "failed", durationMs: 1 });
    expect(run.fold.announced).toBe(false);
  });
});
