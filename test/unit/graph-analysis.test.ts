/** What the graph helpers say, held against the plainest way to find it out. */
import { describe, expect, test } from "vitest";
import { type DagGraph, graphOf } from "../../cmd/library/dag-graph.ts";
import { Graph } from "../../internal/core/graph.ts";
import {
  downstreamOf,
  leavesOf,
  levelsOf,
  rootsOf,
  timetableOf,
  upstreamOf,
} from "../../internal/core/graph-analysis.ts";
import type { Dag } from "../../internal/core/model.ts";
import { dag, randomDag, task } from "../support/dags.ts";
import { SeededRandom } from "../support/random.ts";

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

function randomCase(seed: number): { graph: Graph; durations: Float64Array; edges: [number, number][] } {
  const random = new SeededRandom(seed);
  const graph = new Graph(shuffled(randomDag(random, 1 + random.below(14)), random));
  const durations = Float64Array.from({ length: graph.size }, () => random.below(5));
  const edges = graph.dag.tasks.flatMap(({ dependsOn }, to) =>
    dependsOn.map((id): [number, number] => [graph.position(id) ?? -1, to]),
  );
  return { graph, durations, edges };
}

/** So that tasks do not stand after what they depend on. */
function shuffled(dag: Dag, random: SeededRandom): Dag {
  const keyed = dag.tasks.map((each) => ({ each, key: random.next() }));
  return { ...dag, tasks: keyed.toSorted((a, b) => a.key - b.key).map(({ each }) => each) };
}

/** Whether there is a way from one task to another. */
function reaches(edges: readonly [number, number][], from: number, to: number): boolean {
  return edges.some(([start, end]) => start === from && (end === to || reaches(edges, end, to)));
}

/** The longest way that ends at a task, the weights of all tasks before it added up. */
function longestBefore(
  edges: readonly [number, number][],
  to: number,
  weight: (position: number) => number,
): number {
  const ways = edges.flatMap(([start, end]) =>
    end === to ? [longestBefore(edges, start, weight) + weight(start)] : [],
  );
  return Math.max(0, ...ways);
}

function endWith(
  graph: Graph,
  durations: Float64Array,
  change: readonly [position: number, by: number],
): number {
  return timetableOf(
    graph,
    durations.map((duration, position) => (position === change[0] ? duration + change[1] : duration)),
  ).endMs;
}

describe("over random DAGs", () => {
  test("roots and leaves have no edge in, no edge out, and stand in the order of the definition", () => {
    for (const seed of SEEDS) {
      const { graph, edges } = randomCase(seed);
      const all = graph.dag.tasks.map((_, position) => position);
      expect(rootsOf(graph)).toEqual(all.filter((each) => edges.every(([, to]) => to !== each)));
      expect(leavesOf(graph)).toEqual(all.filter((each) => edges.every(([from]) => from !== each)));
    }
  });

  test("upstream and downstream are what can be reached, in topological order", () => {
    for (const seed of SEEDS) {
      const { graph, edges } = randomCase(seed);
      const order = [...graph.order];
      for (const position of order) {
        expect(upstreamOf(graph, position)).toEqual(order.filter((each) => reaches(edges, each, position)));
        expect(downstreamOf(graph, position)).toEqual(order.filter((each) => reaches(edges, position, each)));
      }
    }
  });

  test("a task's level is the number of tasks on the longest way to it", () => {
    for (const seed of SEEDS) {
      const { graph, edges } = randomCase(seed);
      const levels = levelsOf(graph);
      expect(levels.flat().toSorted((a, b) => a - b)).toEqual([...graph.order].toSorted((a, b) => a - b));
      for (const [level, positions] of levels.entries()) {
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        expect(positions.map((each) => longestBefore(edges, each, () => 1))).toEqual(
          positions.map(() => level),
        );
      }
    }
  });

  test("a task starts at the earliest when the longest way to it is over", () => {
    for (const seed of SEEDS) {
      const { graph, durations, edges } = randomCase(seed);
      const { earliestStartMs } = timetableOf(graph, durations);
      for (const position of graph.order) {
        const expected = longestBefore(edges, position, (each) => durations[each] ?? 0);
        expect(earliestStartMs[position], `seed ${seed}, task ${position}`).toBe(expected);
      }
    }
  });

  test("slack is by how much a task may take longer before the end moves", () => {
    for (const seed of SEEDS) {
      const { graph, durations } = randomCase(seed);
      const { endMs, earliestStartMs, latestStartMs } = timetableOf(graph, durations);
      for (const position of graph.order) {
        const slack = (latestStartMs[position] ?? 0) - (earliestStartMs[position] ?? 0);
        expect(slack).toBeGreaterThanOrEqual(0);
        expect(endWith(graph, durations, [position, slack]), `seed ${seed}, task ${position}`).toBe(endMs);
        expect(endWith(graph, durations, [position, slack + 1]), `seed ${seed}`).toBe(endMs + 1);
      }
    }
  });

  test("the critical path leads from a root to a leaf along dependencies, and takes as long as the run", () => {
    for (const seed of SEEDS) {
      const { graph, durations, edges } = randomCase(seed);
      const { endMs, criticalPath } = timetableOf(graph, durations);
      expect(rootsOf(graph)).toContain(criticalPath[0]);
      expect(leavesOf(graph)).toContain(criticalPath.at(-1));
      expect(criticalPath.reduce((sum, each) => sum + (durations[each] ?? 0), 0)).toBe(endMs);
      for (const [i, to] of criticalPath.slice(1).entries())
        expect(edges).toContainEqual([criticalPath[i], to]);
    }
  });
});

describe("by task id", () => {
  const etl = graphOf({
    name: "etl",
    tasks: [
      { id: "report", command: "x", depends_on: ["load", "check"], timeout: "30s" },
      { id: "extract", command: "x", timeout: "10m" },
      { id: "load", command: "x", depends_on: ["extract"] },
      { id: "check", command: "x", depends_on: ["extract"], timeout: "20s" },
      { id: "alone", command: "x" },
    ],
  });

  test("roots, leaves, closures and parallel sets", () => {
    expect(etl.roots()).toEqual(["extract", "alone"]);
    expect(etl.leaves()).toEqual(["report", "alone"]);
    expect(etl.upstream("report")).toEqual(["extract", "load", "check"]);
    expect(etl.upstream("extract")).toEqual([]);
    expect(etl.downstream("extract")).toEqual(["load", "check", "report"]);
    expect(etl.downstream("alone")).toEqual([]);
    expect(etl.parallelSets()).toEqual([["extract", "alone"], ["load", "check"], ["report"]]);
  });

  test("a task runs for its sla, else for its time limit", () => {
    const { tasks } = graphOf({
      name: "slas",
      tasks: [{ id: "a", command: "true", sla: "2m", timeout: "10m" }],
    }).criticalPath();
    expect(tasks.get("a")?.durationMs).toBe(120_000);
  });

  test("a task runs for its time limit, and for a minute without one", () => {
    const { durationMs, path, tasks } = etl.criticalPath();
    expect(durationMs).toBe(690_000);
    expect(path).toEqual(["extract", "load", "report"]);
    expect([...tasks.keys()]).toEqual(["report", "extract", "load", "check", "alone"]);
    expect(tasks.get("load")).toEqual({
      durationMs: 60_000,
      earliestStartMs: 600_000,
      latestStartMs: 600_000,
      slackMs: 0,
      critical: true,
    });
    expect(tasks.get("check")).toEqual({
      durationMs: 20_000,
      earliestStartMs: 600_000,
      latestStartMs: 640_000,
      slackMs: 40_000,
      critical: false,
    });
    expect(tasks.get("alone")).toMatchObject({ earliestStartMs: 0, slackMs: 630_000, critical: false });
  });

  test("durations of the caller take the place of the rule, as text or seconds", () => {
    const { durationMs, path, tasks } = etl.criticalPath({ extract: 1, check: "2m", alone: 0 });
    expect(durationMs).toBe(151_000);
    expect(path).toEqual(["extract", "check", "report"]);
    expect(tasks.get("load")?.slackMs).toBe(60_000);
  });

  test("fractions of seconds add up exactly", () => {
    const { tasks } = etl.criticalPath({ extract: 0.1, load: 0.2, report: 0.3, check: 0, alone: 0 });
    expect(["extract", "load", "report"].map((id) => tasks.get(id)?.slackMs)).toEqual([0, 0, 0]);
  });

  test("a task that is not there, and a duration that is none", () => {
    expect(() => etl.upstream("extrct")).toThrow("DAG 'etl' has no task 'extrct'; did you mean 'extract'?");
    expect(() => etl.downstream("zebra")).toThrow(/^DAG 'etl' has no task 'zebra'$/);
    expect(() => etl.criticalPath({ laod: 1, load: 1 })).toThrow("DAG 'etl' has no task 'laod'");
    expect(() => etl.criticalPath({ load: "soon" })).toThrow(
      "duration of task 'load': 'soon' is no duration",
    );
  });

  test("a definition is checked before, also one with a type of the caller's own", () => {
    const sensor = { name: "d", tasks: [{ id: "a", type: "sensor" }] };
    expect(() => graphOf(sensor)).toThrow("unknown type 'sensor'");
    expect(graphOf(sensor, { types: ["sensor"] }).roots()).toEqual(["a"]);
  });
});

describe("with 100,000 tasks", () => {
  const COUNT = 100_000;
  const ids = Array.from({ length: COUNT }, (_, i) => `t${i}`);

  function graph(dependencies: (i: number) => string[]): DagGraph {
    const tasks = ids.map((id, i) => ({ id, command: "x", depends_on: dependencies(i) }));
    return graphOf({ name: "large", tasks });
  }

  test("one after the other", () => {
    const chain = graph((i) => (i === 0 ? [] : [`t${i - 1}`]));
    expect(chain.roots()).toEqual(["t0"]);
    expect(chain.leaves()).toEqual([`t${COUNT - 1}`]);
    expect(chain.upstream(`t${COUNT - 1}`)).toHaveLength(COUNT - 1);
    expect(chain.downstream("t0")).toHaveLength(COUNT - 1);
    expect(chain.parallelSets()).toHaveLength(COUNT);
    const { durationMs, path, tasks } = chain.criticalPath();
    expect([durationMs, path.length, tasks.get(`t${COUNT - 1}`)?.slackMs]).toEqual([
      COUNT * 60_000,
      COUNT,
      0,
    ]);
  });

  test("all at once between a first and a last one", () => {
    const middle = ids.slice(1, -1);
    const fan = graph((i) => (i === 0 ? [] : i === COUNT - 1 ? middle : ["t0"]));
    expect(fan.upstream(`t${COUNT - 1}`)).toHaveLength(COUNT - 1);
    expect(fan.downstream("t0")).toHaveLength(COUNT - 1);
    expect(fan.parallelSets().map((each) => each.length)).toEqual([1, COUNT - 2, 1]);
    expect(fan.criticalPath({ t500: "2m" }).path).toEqual(["t0", "t500", `t${COUNT - 1}`]);
  });
});

test("no task at all", () => {
  const empty = new Graph(dag([]));
  expect([rootsOf(empty), leavesOf(empty), levelsOf(empty)]).toEqual([[], [], []]);
  expect(timetableOf(empty, new Float64Array(0))).toMatchObject({ endMs: 0, criticalPath: [] });
});

test("one task is root, leaf and critical", () => {
  const one = new Graph(dag([task("a")]));
  expect([rootsOf(one), leavesOf(one), levelsOf(one)]).toEqual([[0], [0], [[0]]]);
  expect(timetableOf(one, Float64Array.of(5))).toMatchObject({ endMs: 5, criticalPath: [0] });
});
