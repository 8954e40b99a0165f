/** What a run launches, where launching itself fails it or is called off. */
import { describe, expect, test } from "vitest";
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import type { Task } from "../../internal/core/model.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { GATE } from "../../internal/core/task-types.ts";
import { dag, task } from "../support/dags.ts";
import { submitted, TestRun } from "../support/facts.ts";

const gate = (id: string, dependsOn: readonly string[]): Task =>
  task(id, { type: GATE, command: "", dependsOn, isPassthrough: true });

function handsOver(id: string, artifacts: readonly string[]): Outcome {
  const produced = artifacts.map((each): ProducedArtifact => {
    return { id: each, name: `${each}.txt`, size: 1, mimeType: null, metadata: {} };
  });
  return {
    task: id,
    index: 0,
    attempt: 1,
    state: "completed",
    durationMs: 1,
    artifacts: { inline: produced },
  };
}

describe("a task that would have too many instances", () => {
  // The gate frees `last` in the wave in which `wide` ends the run.
  const tasks = [
    task("last", { dependsOn: ["gate"], fanMode: "aggregate" }),
    task("source"),
    gate("gate", ["source"]),
    task("wide", { dependsOn: ["source"], fanMode: "single" }),
  ];

  function stopped(): TestRun {
    const run = new TestRun(dag(tasks, { onFailure: "stop" }), { fanOutLimit: 2 });
    run.outcomes(handsOver("source", ["1", "2", "3"]));
    return run;
  }

  test("ends the run as failed, which says how many and what the limit is", () => {
    const { fold } = stopped();
    expect(fold.end).toBe("failed");
    expect(fold.endMessage).toBe("task 'wide' failed: 3 artifacts, and a task may have 2 instances at most");
    expect(fold.submitted.defaults).toEqual({ ...submitted(fold.graph.dag).defaults, fanOutLimit: 2 });
  });

  test("a retry launches what was freed once, and owes nothing of what ends with it", () => {
    const run = stopped();
    const change = run.add({ kind: "retry", gen: 1, tasks: [] });
    expect(change).toMatchObject({ ended: true, owed: [] });
    expect(change.cancelled).toMatchObject([{ instance: 0, attempt: 1 }]);
    expect(run.fold.instances.attempt(0)).toBe(1);
  });
});

test("what a retry withdrew, and did not launch again since the run had ended before, has not begun", () => {
  const tasks = [
    task("wide", { dependsOn: ["source"], fanMode: "single" }),
    task("source"),
    task("other"),
    task("after", { dependsOn: ["other"] }),
  ];
  const run = new TestRun(dag(tasks, { onFailure: "stop" }), { fanOutLimit: 2 });
  run.outcomes(handsOver("other", []));
  expect(run.fold.owed()).toMatchObject([{ instance: 1 }, { instance: 3 }]);
  expect(run.outcomes(handsOver("source", ["1", "2", "3"])).cancelled).toMatchObject([{ instance: 3 }]);
  expect(run.fold.instances.wasBegun(3)).toBe(true);
  const change = run.add({ kind: "retry", gen: 1, tasks: [] });
  expect(change).toMatchObject({ ended: true, owed: [], cancelled: [] });
  expect(run.states().after).toBe("cancelled");
  expect(run.fold.instances.wasBegun(3)).toBe(false);
});

test.each([
  [49, "pending"],
  [50, "filtered"],
])("through %i gates in a row", (gates, state) => {
  const chain = Array.from({ length: gates }, (_, i) => gate(`g${i}`, [i === 0 ? "source" : `g${i - 1}`]));
  const last = task("last", { dependsOn: [`g${gates - 1}`], fanMode: "single" });
  const run = new TestRun(dag([task("source"), ...chain, last]));
  run.outcomes(handsOver("source", ["1"]));
  expect(run.states().last).toBe(state);
});
