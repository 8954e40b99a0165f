/** Does a fact cost as much as follows from it, whatever the size of the DAG and of the fan-out? Counted, never timed. */
import { afterEach, expect, test, vi } from "vitest";
import { Graph } from "../../internal/core/graph.ts";
import { Instances } from "../../internal/core/instances.ts";
import type { Dag, Task } from "../../internal/core/model.ts";
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { dag, task } from "../support/dags.ts";
import { TestRun } from "../support/facts.ts";
import { SeededRandom } from "../support/random.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Looks at tasks, edges and instances. */
function counted(): () => number {
  const spies = [
    vi.spyOn(Graph.prototype, "task"),
    vi.spyOn(Graph.prototype, "parentsOf"),
    vi.spyOn(Graph.prototype, "childrenOf"),
    vi.spyOn(Instances.prototype, "state"),
    vi.spyOn(Instances.prototype, "of"),
    vi.spyOn(Instances.prototype, "become"),
  ];
  return () => {
    const count = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    for (const spy of spies) spy.mockClear();
    return count;
  };
}

function completedWith(id: string, index: number, artifacts: number): Outcome {
  const produced = Array.from({ length: artifacts }, (_, i): ProducedArtifact => {
    return { id: `${id}-${index}-${i}`, name: "", size: 1, mimeType: null, metadata: {} };
  });
  return { task: id, index, attempt: 1, state: "completed", durationMs: 1, artifacts: { inline: produced } };
}

/** Each task has two of those before it that are near as dependencies. */
function longDag(size: number): Dag {
  const random = new SeededRandom(size);
  const tasks = Array.from({ length: size }, (_, i): Task => {
    const dependsOn = i < 4 ? [] : [...new Set([i - 1 - random.below(2), i - 3 - random.below(2)])];
    return task(`t${i}`, { dependsOn: dependsOn.map((each) => `t${each}`), fanMode: "aggregate" });
  });
  return dag(tasks);
}

/** The most that an outcome costs, for each of the tasks that depend on its task and for itself. */
function mostAnOutcome(size: number): number {
  const look = counted();
  const run = new TestRun(longDag(size));
  look();
  let most = 0;
  for (const position of run.fold.graph.order) {
    const children = run.fold.graph.childrenOf(position).length;
    look();
    run.outcomes(completedWith(`t${position}`, 0, 1));
    most = Math.max(most, look() / (1 + children));
  }
  expect(run.fold.end).toBe("completed");
  return most;
}

test("an outcome costs the same in a DAG of 200 tasks and in one of 20,000", () => {
  const [small, large] = [mostAnOutcome(200), mostAnOutcome(20_000)];
  expect(large).toBeLessThanOrEqual(small + 5);
});

/** The most that an outcome of an instance costs, but for the last, which frees what is behind. */
function mostAnInstance(count: number): number {
  const look = counted();
  const tasks = [
    task("s"),
    task("b", { dependsOn: ["s"], fanMode: "single" }),
    task("c", { dependsOn: ["b"] }),
  ];
  const run = new TestRun(dag(tasks));
  run.outcomes(completedWith("s", 0, count));
  let most = 0;
  for (let index = count - 1; index > 0; index--) {
    look();
    run.outcomes(completedWith("b", index, 1));
    most = Math.max(most, look());
  }
  run.outcomes(completedWith("b", 0, 1));
  expect(run.states().c).toBe("pending");
  return most;
}

test("an outcome of one of 5,000 instances costs what it does with 50", () => {
  expect(mostAnInstance(5_000)).toBe(mostAnInstance(50));
});

/** What it takes to launch so many tasks behind one with so many instances. */
function launchOf(children: number, instances: number): number {
  const look = counted();
  const behind = Array.from({ length: children }, (_, i) => task(`c${i}`, { dependsOn: ["b"] }));
  const run = new TestRun(dag([task("s"), task("b", { dependsOn: ["s"], fanMode: "single" }), ...behind]));
  run.outcomes(completedWith("s", 0, instances));
  for (let index = 1; index < instances; index++) run.outcomes(completedWith("b", index, 0));
  look();
  expect(run.outcomes(completedWith("b", 0, 0)).owed).toHaveLength(children);
  return look();
}

test("to launch what is behind a task with many instances does not look at each for each", () => {
  expect(launchOf(100, 2_000)).toBeLessThanOrEqual(launchOf(100, 20) + 10);
});

/** Gates in layers, each behind all of the layer before: the most that one of them costs, by its dependencies. */
function mostAGate(layers: number, artifacts: number): number {
  const width = 12;
  const gates = Array.from({ length: layers * width }, (_, i): Task => {
    const layer = Math.floor(i / width);
    const above = Array.from({ length: width }, (_each, j) => `g${(layer - 1) * width + j}`);
    const dependsOn = layer === 0 ? ["s"] : above;
    return task(`g${i}`, { type: "gate", isPassthrough: true, fanMode: "aggregate", dependsOn });
  });
  const look = counted();
  const run = new TestRun(dag([task("s"), ...gates]));
  look();
  run.outcomes(completedWith("s", 0, artifacts));
  const looks = look();
  expect(run.fold.end).toBe("completed");
  return looks / (gates.length * width);
}

test.each([0, 1])(
  "a gate behind 20 layers of gates costs what one behind 5 does, with %i artifacts",
  (artifacts) => {
    expect(mostAGate(20, artifacts)).toBeLessThanOrEqual(mostAGate(5, artifacts) + 1);
  },
);
