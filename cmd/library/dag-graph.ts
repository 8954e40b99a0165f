/** The shape of a DAG, asked and answered in task ids. */
import { Graph } from "../../internal/core/graph.ts";
import {
  downstreamOf,
  expectedDurationMs,
  leavesOf,
  levelsOf,
  rootsOf,
  timetableOf,
  upstreamOf,
} from "../../internal/core/graph-analysis.ts";
import type { Dag } from "../../internal/core/model.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { nearest } from "../../internal/spec/problems.ts";
import { type DagSource, ensureDag, type ReadOptions } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import { type Duration, milliseconds } from "./options.ts";

/** When a task starts if the run begins at 0 and no task waits for a slot. */
export interface TaskTiming {
  /** How long it is taken to run. */
  readonly durationMs: number;
  /** Not before all that it depends on has ended. */
  readonly earliestStartMs: number;
  /** Not so late that the run ends later. */
  readonly latestStartMs: number;
  /** How much later than at the earliest it may start; 0 for a critical task. */
  readonly slackMs: number;
  /** The run takes longer when this task does. */
  readonly critical: boolean;
}

export interface CriticalPath {
  /** How long the run takes. */
  readonly durationMs: number;
  /** Tasks that are critical one after the other, from a root to a leaf; one of several such ways when there are several. */
  readonly path: readonly string[];
  /** By task id, in the order of the definition. */
  readonly tasks: ReadonlyMap<string, TaskTiming>;
}

/** Throws `DefinitionError` when a definition is not allowed. */
export function graphOf(dag: Dag | DagDefinition | DagSource, options: ReadOptions = {}): DagGraph {
  return new DagGraph(ensureDag(dag, options));
}

/** Every answer takes time linear in tasks and dependencies. A method throws `BadInput` for a task that is not there. */
export class DagGraph {
  readonly #graph: Graph;

  constructor(dag: Dag) {
    this.#graph = new Graph(dag);
  }

  /** Tasks that depend on none, in the order of the definition. */
  roots(): string[] {
    return this.#ids(rootsOf(this.#graph));
  }

  /** Tasks that nothing depends on, in the order of the definition. */
  leaves(): string[] {
    return this.#ids(leavesOf(this.#graph));
  }

  /** All that a task depends on, directly or not, in an order in which it can run. */
  upstream(taskId: string): string[] {
    return this.#ids(upstreamOf(this.#graph, this.#position(taskId)));
  }

  /** All that depends on a task, directly or not, in an order in which it can run. */
  downstream(taskId: string): string[] {
    return this.#ids(downstreamOf(this.#graph, this.#position(taskId)));
  }

  /** Sets of tasks that can run at the same time, one set after the other; in a set, the order of the definition. */
  parallelSets(): string[][] {
    return levelsOf(this.#graph).map((level) => this.#ids(level));
  }

  /**
   * What decides how long a run takes. `durations` by task id say how long tasks run; one that is not named is taken
   * to run for its `sla`, else for its time limit, else for 1 minute.
   */
  criticalPath(durations: Readonly<Record<string, Duration>> = {}): CriticalPath {
    const { tasks } = this.#graph.dag;
    const durationsMs = Float64Array.from(tasks, expectedDurationMs);
    for (const [taskId, duration] of Object.entries(durations)) {
      durationsMs[this.#position(taskId)] = milliseconds(`duration of task '${taskId}'`, duration);
    }
    const { endMs, earliestStartMs, latestStartMs, criticalPath } = timetableOf(this.#graph, durationsMs);
    const timings = tasks.map(({ id }, position): [string, TaskTiming] => {
      const [earliest = 0, latest = 0] = [earliestStartMs[position], latestStartMs[position]];
      return [
        id,
        {
          durationMs: durationsMs[position] ?? 0,
          earliestStartMs: earliest,
          latestStartMs: latest,
          slackMs: latest - earliest,
          critical: latest === earliest,
        },
      ];
    });
    return { durationMs: endMs, path: this.#ids(criticalPath), tasks: new Map(timings) };
  }

  #position(taskId: string): number {
    const position = this.#graph.position(taskId);
    if (position !== undefined) return position;
    const { name, tasks } = this.#graph.dag;
    const near = nearest(
      taskId,
      tasks.map(({ id }) => id),
    );
    const hint = near === undefined ? "" : `; did you mean '${near}'?`;
    throw new BadInput(`DAG '${name}' has no task '${taskId}'${hint}`);
  }

  #ids(positions: readonly number[]): string[] {
    const { tasks } = this.#graph.dag;
    return positions.flatMap((position) => tasks[position]?.id ?? []);
  }
}
