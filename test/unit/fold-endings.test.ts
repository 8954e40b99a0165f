/** Ways of an attempt to end that are no plain success and no plain failure, and what the fold makes of them. */
import { describe, expect, test } from "vitest";
import type { FailurePolicy } from "../../internal/core/model.ts";
import { LOOK_AGAIN_MS, type TaskError } from "../../internal/core/outcome.ts";
import { dag, task } from "../support/dags.ts";
import { completed, failed, failedWith, newFold, skipped, START, TestRun } from "../support/facts.ts";

const once = { backoff: "fixed", initialMs: 1_000, factor: 1, maxMs: 60_000, jitter: 0 } as const;

describe("skipped", () => {
  const chain = [task("a"), task("b", { dependsOn: ["a"] }), task("c", { dependsOn: ["b"] }), task("free")];

  test.each<FailurePolicy>(["continue", "stop", "allow_partial"])(
    "%s: what depends on it is skipped too, other branches go on, the run completes",
    (onFailure) => {
      const run = new TestRun(
        dag(
          chain.map((each) => ({ ...each, critical: true })),
          { onFailure },
        ),
      );
      expect(run.outcomes(skipped("a"))).toMatchObject({ owed: [], ended: false });
      expect(run.states()).toEqual({ a: "skipped", b: "skipped", c: "skipped", free: "pending" });
      expect(run.outcomes(completed("free")).ended).toBe(true);
      expect(run.fold.end).toBe("completed");
    },
  );

  test("a run of which everything is skipped completes", () => {
    const run = new TestRun(dag([task("a"), task("b", { dependsOn: ["a"] })]));
    expect(run.outcomes(skipped("a")).ended).toBe(true);
    expect(run.fold.end).toBe("completed");
  });

  test("allow_failure does not make it a success: what depends on it is skipped", () => {
    const run = new TestRun(dag([task("a", { allowFailure: true }), task("b", { dependsOn: ["a"] })]));
    run.outcomes(skipped("a"));
    expect(run.states()).toEqual({ a: "skipped", b: "skipped" });
  });

  test("it is kept: an outcome after it is void", () => {
    const run = new TestRun(dag(chain));
    run.outcomes(skipped("a"));
    expect(run.outcomes(completed("a"), completed("b"), failed("a", 2)).void).toHaveLength(3);
    expect(run.states()).toMatchObject({ a: "skipped", b: "skipped" });
  });

  describe("with other parents", () => {
    const two = dag([task("a"), task("b"), task("below", { dependsOn: ["a", "b"] })]);

    test("of a parent that succeeded: skipped, whichever was first", () => {
      for (const outcomes of [
        [skipped("a"), completed("b")],
        [completed("b"), skipped("a")],
      ]) {
        const run = new TestRun(two);
        for (const outcome of outcomes) expect(run.outcomes(outcome).owed).toEqual([]);
        expect(run.states()).toEqual({ a: "skipped", b: "completed", below: "skipped" });
        expect(run.fold.end).toBe("completed");
      }
    });

    test("of a parent that failed: the failure counts, whichever was first", () => {
      for (const outcomes of [
        [skipped("a"), failed("b")],
        [failed("b"), skipped("a")],
      ]) {
        const run = new TestRun(two);
        run.outcomes(...outcomes);
        expect(run.states()).toMatchObject({ below: "upstream_failed" });
        expect(run.fold.end).toBe("failed");
      }
    });

    test("stop: a failure elsewhere cancels what is left, and what was skipped stays so", () => {
      const alone = task("alone", { dependsOn: ["a"] });
      const run = new TestRun(dag([...two.tasks, alone, task("late")], { onFailure: "stop" }));
      run.outcomes(skipped("a"), failed("b"));
      const left = { below: "cancelled", late: "cancelled" };
      expect(run.states()).toEqual({ a: "skipped", b: "failed", alone: "skipped", ...left });
      expect(run.fold.end).toBe("failed");
    });

    test("allow_partial: a critical task that was skipped does not fail the run", () => {
      const tasks = [task("a"), task("b"), task("below", { dependsOn: ["a"], critical: true })];
      const run = new TestRun(dag(tasks, { onFailure: "allow_partial" }));
      run.outcomes(skipped("a"), failed("b"));
      expect(run.fold.end).toBe("completed");
    });
  });

  describe("a retry of the run", () => {
    const again = (gen: number, ...tasks: string[]) => ({ kind: "retry", gen, tasks }) as const;
    const tasks = dag([
      task("a"),
      task("bad"),
      task("below", { dependsOn: ["a", "bad"] }),
      task("deep", { dependsOn: ["below"] }),
    ]);

    test("keeps what was skipped", () => {
      const run = new TestRun(tasks);
      run.outcomes(skipped("a"), failed("bad"));
      expect(run.add(again(1)).owed).toMatchObject([{ instance: 1, attempt: 2 }]);
      expect(run.states()).toMatchObject({ a: "skipped", bad: "pending" });
      run.outcomes(completed("bad", 2));
      expect(run.states()).toMatchObject({ a: "skipped", below: "skipped", deep: "skipped" });
      expect(run.fold.end).toBe("completed");
    });

    test("skips what did not start before and depends on what was skipped", () => {
      const run = new TestRun(tasks);
      run.outcomes(failed("bad"), skipped("a"));
      expect(run.states()).toMatchObject({ below: "upstream_failed", deep: "upstream_failed" });
      run.add(again(1));
      expect(run.states()).toEqual({ a: "skipped", bad: "pending", below: "pending", deep: "pending" });
      expect(run.outcomes(completed("bad", 2)).ended).toBe(true);
      expect(run.fold.end).toBe("completed");
    });
  });
});

describe("cancelled", () => {
  const chain = [task("a", { allowFailure: true }), task("b", { dependsOn: ["a"] })];
  const cancel = { kind: "cancel", cause: "request", message: "" } as const;

  test("allow_failure does not make it a success: it has not failed", () => {
    const run = new TestRun(dag(chain));
    run.outcomes(failed("a", 1, "cancelled"));
    expect(run.states()).toEqual({ a: "cancelled", b: "upstream_failed" });
    expect(run.fold.end).toBe("failed");
  });

  test("how an attempt failed that was cancelled with its run is shown", () => {
    const run = new TestRun(dag(chain));
    run.add({ ...cancel, gen: 0 });
    run.outcomes(failed("a"));
    expect(run.states()).toEqual({ a: "failed", b: "cancelled" });
  });

  test("nothing is shown that fails while its run goes on: the first outcome counts", () => {
    const run = new TestRun(dag([task("a"), task("free")]));
    run.outcomes(failed("a", 1, "cancelled"), failed("a"));
    expect(run.states()).toEqual({ a: "cancelled", free: "pending" });
  });

  test("nor what was not launched again: an attempt of before is none of this generation", () => {
    const run = new TestRun(dag([task("a"), task("b", { dependsOn: ["a"] })]));
    run.outcomes(completed("a"));
    run.add({ ...cancel, gen: 0 });
    run.add({ kind: "retry", gen: 1, tasks: [] });
    expect(run.outcomes(failed("b", 0), failed("b", 1)).void).toHaveLength(2);
    expect(run.states()).toEqual({ a: "completed", b: "pending" });
    const never = new TestRun(dag(chain));
    never.add({ ...cancel, gen: 0 });
    never.outcomes(failed("b", 0));
    expect(never.states()).toEqual({ a: "cancelled", b: "cancelled" });
  });
});

describe("isFinal", () => {
  test("no further attempt, whatever is left of the budget", () => {
    const run = new TestRun(dag([task("a", { retries: 5 })]));
    run.outcomes(failed("a"));
    expect(run.outcomes(failedWith("a", 2, { isFinal: true })).ended).toBe(true);
    expect(run.fold.end).toBe("failed");
    expect(run.fold.instances.attempt(0)).toBe(2);
  });

  test("ends a look as well", () => {
    const run = new TestRun(dag([task("a")]));
    run.outcomes(failedWith("a", 1, { reason: "not-yet", isFinal: true }));
    expect(run.fold.end).toBe("failed");
  });
});

describe("againAfterMs", () => {
  test.each([
    ["longer than the back-off", 5_000, 5_000],
    ["shorter than it", 200, 1_000],
  ])("%s: the longer counts, and the budget is used", (_name, againAfterMs, waitsMs) => {
    const run = new TestRun(dag([task("a", { retries: 1, retry: once })]));
    expect(run.outcomes(failedWith("a", 1, { againAfterMs })).owed).toEqual([
      { instance: 0, attempt: 2, dueAt: START + 10 + waitsMs },
    ]);
    expect(run.outcomes(failedWith("a", 2, { againAfterMs })).ended).toBe(true);
  });
});

describe("not-yet", () => {
  const look = (attempt: number, more: Partial<TaskError> = {}): ReturnType<typeof failedWith> =>
    failedWith("a", attempt, { reason: "not-yet", againAfterMs: 1_000, ...more });

  test("looks again without end and without using a budget", () => {
    const run = new TestRun(dag([task("a", { retries: 1, retry: once })]));
    for (let attempt = 1; attempt <= 200; attempt++) run.outcomes(look(attempt));
    expect(run.states()).toEqual({ a: "retrying" });
    expect(run.fold.looksAgain(0)).toBe(true);
    // The one retry is still there.
    run.outcomes(failed("a", 201));
    expect(run.states()).toEqual({ a: "retrying" });
    expect(run.fold.looksAgain(0)).toBe(false);
    expect(run.outcomes(failed("a", 202)).ended).toBe(true);
  });

  test("holds no slot: the next attempt is owed, and due only then", () => {
    const run = new TestRun(dag([task("a")]));
    const dueAt = START + 10 + 1_000;
    expect(run.outcomes(look(1)).owed).toEqual([{ instance: 0, attempt: 2, dueAt }]);
    expect(run.fold.owed()).toEqual([{ instance: 0, attempt: 2, dueAt }]);
  });

  test("without a time of its own it looks again after a while", () => {
    const run = new TestRun(dag([task("a")]));
    const outcome = failedWith("a", 1, { reason: "not-yet" });
    expect(run.outcomes(outcome).owed[0]?.dueAt).toBe(START + 10 + LOOK_AGAIN_MS);
  });

  test("gives up once so long has passed since the first look, however many failures were between", () => {
    const run = new TestRun(dag([task("a", { retries: 3, retry: once })]));
    run.outcomes(look(1, { giveUpAfterMs: 3_000 }));
    run.outcomes(failed("a", 2));
    run.add(look1(3), 2_980);
    expect(run.states()).toEqual({ a: "retrying" });
    expect(run.add(look1(4), 10).ended).toBe(true);
    expect(run.fold.end).toBe("failed");

    function look1(attempt: number): Parameters<typeof run.add>[0] {
      const items = [look(attempt, { giveUpAfterMs: 3_000 })];
      return { kind: "outcomes", runSeq: 7, items, queue: "q", incarnation: "w", n: 100 + attempt };
    }
  });

  test("the last look is at the end of the time, not after it", () => {
    const run = new TestRun(dag([task("a")]));
    run.outcomes(look(1, { giveUpAfterMs: 1_500 }));
    const [next] = run.outcomes(look(2, { giveUpAfterMs: 1_500 })).owed;
    // The first look was at START + 10, the second one 10 ms later.
    expect(next).toEqual({ instance: 0, attempt: 3, dueAt: START + 20 + 1_000 });
    expect(run.outcomes(look(3, { giveUpAfterMs: 600 })).owed[0]?.dueAt).toBe(START + 10 + 600);
  });

  test("a time of none is given up at once", () => {
    const run = new TestRun(dag([task("a")]));
    expect(run.outcomes(look(1, { giveUpAfterMs: 0 })).ended).toBe(true);
  });

  test("a retry of the run has all of the time again", () => {
    const run = new TestRun(dag([task("a")]));
    run.outcomes(look(1, { giveUpAfterMs: 20 }));
    run.outcomes(look(2, { giveUpAfterMs: 20 }));
    expect(run.outcomes(look(3, { giveUpAfterMs: 20 })).ended).toBe(true);
    run.add({ kind: "retry", gen: 1, tasks: [] }, 60_000);
    expect(run.fold.looksAgain(0)).toBe(false);
    run.outcomes(look(4, { giveUpAfterMs: 20 }));
    expect(run.states()).toEqual({ a: "retrying" });
  });

  test("a loss or a release between two looks is owed at once, and the time goes on", () => {
    const run = new TestRun(dag([task("a")]));
    run.outcomes(look(1, { giveUpAfterMs: 25 }));
    expect(run.outcomes(failed("a", 2, "lost")).owed[0]?.dueAt).toBe(START + 20);
    expect(run.outcomes(failed("a", 3, "released")).owed[0]?.dueAt).toBe(START + 30);
    expect(run.outcomes(look(4, { giveUpAfterMs: 25 })).ended).toBe(true);
  });

  test("a replay has the same due times and the same end at every prefix", () => {
    const run = new TestRun(dag([task("a"), task("b", { dependsOn: ["a"] })]));
    for (let attempt = 1; attempt <= 20; attempt++) {
      run.outcomes(look(attempt, { giveUpAfterMs: 160, againAfterMs: 7 * attempt }));
    }
    expect(run.fold.end).toBe("failed");
    const live = newFold(run.dag);
    for (const [length, fact] of run.facts.entries()) {
      live.apply(fact);
      const replay = newFold(run.dag);
      for (const earlier of run.facts.slice(0, length + 1)) replay.apply(earlier);
      expect([replay.owed(), replay.end, replay.looksAgain(0)]).toEqual([
        live.owed(),
        live.end,
        live.looksAgain(0),
      ]);
    }
  });
});
