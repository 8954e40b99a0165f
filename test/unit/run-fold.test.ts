import { describe, expect, test } from "vitest";
import { type FailurePolicy } from "../../internal/core/model.ts";
import { FAILURES, type FailureReason } from "../../internal/core/outcome.ts";
import type { Owed } from "../../internal/core/change.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { dag, randomDag, task } from "../support/dags.ts";
import {
  completed,
  failed,
  failedWith,
  newFold,
  RUN_SEQ,
  skipped,
  START,
  statesOf,
  TestRun,
} from "../support/facts.ts";
import { SeededRandom } from "../support/random.ts";

const chain = dag([task("a"), task("b", { dependsOn: ["a"] }), task("c", { dependsOn: ["b"] })]);

function owedIds(fold: RunFold, owed: readonly Owed[] = fold.owed()): string[] {
  return owed.map(({ instance, attempt }) => `${fold.taskOf(instance).id}#${attempt}`);
}

describe("what is owed", () => {
  test("roots at first, then what their completion makes ready", () => {
    const run = new TestRun(chain);
    expect(owedIds(run.fold)).toEqual(["a#1"]);
    const change = run.outcomes(completed("a"));
    expect(owedIds(run.fold, change.owed)).toEqual(["b#1"]);
    expect(owedIds(run.fold)).toEqual(["b#1"]);
  });

  test("a task with several parents waits for the last of them", () => {
    const run = new TestRun(dag([task("a"), task("b"), task("c", { dependsOn: ["a", "b"] })]));
    expect(run.outcomes(completed("a")).owed).toEqual([]);
    expect(owedIds(run.fold, run.outcomes(completed("b")).owed)).toEqual(["c#1"]);
  });

  test("a failure with budget left is owed again after its back-off", () => {
    const run = new TestRun(dag([task("a", { retries: 1, retry: { ...chainRetry, initialMs: 5_000 } })]));
    const [again] = run.outcomes(failed("a")).owed;
    expect(again).toEqual({ instance: 0, attempt: 2, dueAt: START + 10 + 5_000 });
    expect(run.states()).toEqual({ a: "retrying" });
  });

  test("what was lost or given back is owed at once and uses no retry", () => {
    const run = new TestRun(dag([task("a", { retries: 0 })]));
    expect(run.outcomes(failed("a", 1, "lost")).owed[0]?.dueAt).toBe(START + 10);
    expect(owedIds(run.fold, run.outcomes(failed("a", 2, "released")).owed)).toEqual(["a#3"]);
  });
});

const chainRetry = { backoff: "fixed", initialMs: 1, factor: 1, maxMs: 60_000, jitter: 0 } as const;

describe("first outcome counts", () => {
  test.each([
    ["a second outcome of the same attempt", "not-current", [completed("a"), failed("a")]],
    [
      "an outcome of an attempt that was replaced",
      "not-current",
      [failed("a", 1, "lost"), completed("a", 1)],
    ],
    ["an attempt that was never owed", "not-current", [completed("a", 5)]],
    ["a task that still waits for its parents", "not-current", [completed("b")]],
    ["attempt 0 of a task that was never owed", "not-current", [completed("b", 0)]],
    ["an unknown task", "unknown-task", [completed("nobody")]],
    [
      "an outcome of a run that has ended",
      "run-over",
      [completed("a"), completed("b"), completed("c"), failed("a", 2)],
    ],
  ])("void: %s", (_name, why, outcomes) => {
    const run = new TestRun(chain);
    const change = run.outcomes(...outcomes);
    expect(change.void).toEqual([{ outcome: outcomes.at(-1), why }]);
  });

  test("an outcome of another run of the same id is void", () => {
    const run = new TestRun(chain);
    const items = [completed("a")];
    const fact = {
      kind: "outcomes",
      runSeq: RUN_SEQ + 1,
      items,
      queue: "q",
      incarnation: "w",
      n: 1,
    } as const;
    expect(run.add(fact).void).toEqual(items.map((outcome) => ({ outcome, why: "other-run" })));
    expect(run.states()).toEqual({ a: "pending", b: "pending", c: "pending" });
  });

  test("an instance index that does not exist is void", () => {
    const run = new TestRun(chain);
    expect(run.outcomes({ ...completed("a"), index: 1 }).void).toHaveLength(1);
  });
});

describe("budgets", () => {
  test("n retries are n + 1 attempts, then the task has failed", () => {
    const run = new TestRun(dag([task("a", { retries: 2, retry: chainRetry })]));
    for (const attempt of [1, 2, 3]) run.outcomes(failed("a", attempt));
    expect(run.states()).toEqual({ a: "failed" });
    expect(run.fold.instances.attempt(0)).toBe(3);
    expect(run.fold.end).toBe("failed");
  });

  test("a task that loses its workers more often than the cap ends as crashed", () => {
    const run = new TestRun(dag([task("a", { retries: 9 })]));
    for (const attempt of [1, 2, 3]) run.outcomes(failed("a", attempt, "lost"));
    expect(run.fold.end).toBe("crashed");
  });

  test.each(Object.entries(FAILURES).filter(([, rule]) => rule.budget === "never"))(
    "%s is never tried again",
    (reason) => {
      const run = new TestRun(dag([task("a", { retries: 5 })]));
      run.outcomes(failed("a", 1, reason as FailureReason));
      expect(run.fold.end).toBe("failed");
    },
  );
});

describe("failure policies", () => {
  const tasks = [
    task("bad"),
    task("below", { dependsOn: ["bad"] }),
    task("deep", { dependsOn: ["below"] }),
    task("free"),
  ];

  function runWith(onFailure: FailurePolicy, critical: string[] = []): TestRun {
    return new TestRun(
      dag(
        tasks.map((each) => ({ ...each, critical: critical.includes(each.id) })),
        { onFailure },
      ),
    );
  }

  test("continue: downstream is upstream_failed, other branches go on, the run fails", () => {
    const run = runWith("continue");
    run.outcomes(failed("bad"));
    expect(run.states()).toEqual({
      bad: "failed",
      below: "upstream_failed",
      deep: "upstream_failed",
      free: "pending",
    });
    expect(run.outcomes(completed("free")).ended).toBe(true);
    expect(run.fold.end).toBe("failed");
  });

  test("stop: the rest is cancelled at once", () => {
    const run = runWith("stop");
    expect(run.outcomes(failed("bad")).ended).toBe(true);
    expect(run.states()).toEqual({ bad: "failed", below: "cancelled", deep: "cancelled", free: "cancelled" });
    expect(run.fold.end).toBe("failed");
    expect(run.outcomes(completed("free")).void).toHaveLength(1);
  });

  test.each([
    ["completes although a task failed", [], "completed"],
    ["fails when a critical task failed", ["bad"], "failed"],
    ["fails when a critical task could not start", ["deep"], "failed"],
    ["does not mind a critical task that succeeded", ["free"], "completed"],
  ])("allow_partial: %s", (_name, critical, end) => {
    const run = runWith("allow_partial", critical);
    run.outcomes(failed("bad"), completed("free"));
    expect(run.fold.end).toBe(end);
  });

  test("allow_failure: what depends on it goes on, and the run completes", () => {
    const run = new TestRun(
      dag([task("a", { allowFailure: true }), task("b", { dependsOn: ["a"] })], { onFailure: "stop" }),
    );
    expect(owedIds(run.fold, run.outcomes(failed("a")).owed)).toEqual(["b#1"]);
    run.outcomes(completed("b"));
    expect(run.fold.end).toBe("completed");
    expect(run.states()).toEqual({ a: "failed", b: "completed" });
  });
});

describe("cancel", () => {
  test.each([
    ["request", "cancelled"],
    ["time-limit", "failed"],
  ] as const)("by %s: the run is %s, unfinished instances are cancelled", (cause, end) => {
    const run = new TestRun(chain);
    run.outcomes(completed("a"));
    expect(run.add({ kind: "cancel", gen: 0, cause, message: "" }).ended).toBe(true);
    expect(run.fold.end).toBe(end);
    expect(run.states()).toEqual({ a: "completed", b: "cancelled", c: "cancelled" });
    expect(run.fold.owed()).toEqual([]);
  });

  test("after the end it changes nothing", () => {
    const run = new TestRun(dag([task("a")]));
    run.outcomes(completed("a"));
    expect(run.add({ kind: "cancel", gen: 0, cause: "request", message: "" }).ended).toBe(false);
    expect(run.fold.end).toBe("completed");
  });
});

describe("finished", () => {
  test("announces the end, and only that", () => {
    const run = new TestRun(dag([task("a")]));
    run.add({ kind: "finished", gen: 0, state: "completed", durationMs: 1 });
    expect(run.fold.announced).toBe(false);
    expect(run.fold.end).toBeUndefined();
    run.outcomes(completed("a"));
    run.add({ kind: "finished", gen: 0, state: "completed", durationMs: 1 });
    expect(run.fold.announced).toBe(true);
  });
});

/** Plays a random run: mostly fitting outcomes, some late, early, doubled or foreign, perhaps a cancel or retries. */
function playRandomly(seed: number): TestRun {
  const random = new SeededRandom(seed);
  const run = new TestRun(randomDag(random, 1 + random.below(12)));
  for (let step = 0; step < 500; step++) {
    const { end, gen } = run.fold;
    if (end === "completed" || (end !== undefined && random.chance(0.3))) break;
    if (random.chance(end === undefined ? 0.01 : 0.5)) {
      run.add({ kind: "retry", gen: gen + 1, tasks: random.chance(0.5) ? [] : ["t0", "nobody"] });
      continue;
    }
    if (random.chance(0.005)) {
      run.add({ kind: "cancel", gen, cause: random.pick(["request", "time-limit"]), message: "" });
      continue;
    }
    const size = 1 + random.below(3);
    run.outcomes(...Array.from({ length: size }, () => randomOutcome(run, random)));
  }
  return run;
}

function randomOutcome(run: TestRun, random: SeededRandom): ReturnType<typeof completed> {
  const owed = run.fold.owed();
  const { instance, attempt } =
    random.chance(0.8) && owed.length > 0
      ? random.pick(owed)
      : { instance: random.below(run.dag.tasks.length), attempt: random.below(4) };
  const id = run.fold.taskOf(instance).id;
  if (random.chance(0.5)) return completed(id, attempt);
  if (random.chance(0.1)) return skipped(id, attempt);
  if (random.chance(0.2)) {
    const again = random.chance(0.5) ? { againAfterMs: random.below(1_000) } : {};
    return failedWith(id, attempt, { reason: "not-yet", giveUpAfterMs: random.below(100), ...again });
  }
  if (random.chance(0.1)) return failedWith(id, attempt, { isFinal: true });
  return failed(id, attempt, random.pick(["exit-nonzero", "lost", "released", "bad-input", "timed-out"]));
}

describe("random runs", () => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);

  test("every run ends, with nothing left unfinished", () => {
    for (const seed of seeds) {
      const { fold } = playRandomly(seed);
      expect({ seed, ended: fold.end !== undefined }).toEqual({ seed, ended: true });
      expect(fold.instances.counts.pending + fold.instances.counts.retrying).toBe(0);
    }
  });

  test("a replay gives the same state at every prefix", () => {
    for (const seed of seeds.slice(0, 60)) {
      const { facts, dag: definition } = playRandomly(seed);
      const live = newFold(definition);
      for (const [length, fact] of facts.entries()) {
        live.apply(fact);
        const replay = newFold(definition);
        for (const earlier of facts.slice(0, length + 1)) replay.apply(earlier);
        expect({ seed, ...statesOf(replay), end: replay.end, owed: replay.owed() }).toEqual({
          seed,
          ...statesOf(live),
          end: live.end,
          owed: live.owed(),
        });
      }
    }
  });

  test("what changes tell is owed is what the whole state says is owed", () => {
    for (const seed of seeds.slice(0, 100)) {
      const { facts, dag: definition } = playRandomly(seed);
      const fold = newFold(definition);
      const known = new Set(owedIds(fold));
      for (const fact of facts) {
        const change = fold.apply(fact);
        for (const id of owedIds(fold, change.owed)) known.add(id);
        const current = owedIds(fold);
        expect({ seed, missing: current.filter((id) => !known.has(id)) }).toEqual({ seed, missing: [] });
        const stale = owedIds(fold, change.owed).filter((id) => !current.includes(id));
        expect({ seed, stale }).toEqual({ seed, stale: [] });
      }
    }
  });

  test("a task starts only after all it depends on let it", () => {
    for (const seed of seeds.slice(0, 100)) {
      const { facts, dag: definition } = playRandomly(seed);
      const fold = newFold(definition);
      for (const fact of facts) {
        for (const { instance: position } of fold.apply(fact).owed) {
          for (const parent of fold.graph.parentsOf(position)) {
            const state = fold.instances.state(parent);
            const fine = state === "completed" || fold.task(parent).allowFailure;
            expect({ seed, state, fine }).toEqual({ seed, state, fine: true });
          }
        }
      }
    }
  });
});
