/**
 * Questions about the shape of a graph: where it begins and ends, what comes before and after a task, what can run
 * at the same time, and which tasks decide how long it takes.
 *
 * Tasks are positions, as in `Graph`. Every answer takes time linear in tasks and edges, and no recursion.
 */
import type { Graph } from "./graph.ts";
import type { Task } from "./model.ts";

/** How long a task without a time limit is taken to run, in milliseconds. */
const UNKNOWN_DURATION_MS = 60_000;

/** How long a task is taken to run when nobody says better, in milliseconds: its `sla`, else its time limit, else a minute. */
export function expectedDurationMs(task: Task): number {
  return task.slaMs ?? task.timeoutMs ?? UNKNOWN_DURATION_MS;
}

/** Tasks that wait for none, in the order of the definition. */
export function rootsOf(graph: Graph): number[] {
  return positions(graph).filter((position) => graph.parentsOf(position).length === 0);
}

/** Tasks that nothing depends on, in the order of the definition. */
export function leavesOf(graph: Graph): number[] {
  return positions(graph).filter((position) => graph.childrenOf(position).length === 0);
}

/** All that a task waits for, directly or not, in topological order. */
export function upstreamOf(graph: Graph, position: number): number[] {
  return closure(graph, position, (each) => graph.parentsOf(each));
}

/** All that waits for a task, directly or not, in topological order. */
export function downstreamOf(graph: Graph, position: number): number[] {
  return closure(graph, position, (each) => graph.childrenOf(each));
}

function closure(graph: Graph, from: number, next: (position: number) => Int32Array): number[] {
  const isIn = new Uint8Array(graph.size);
  const open = [from];
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    for (const each of next(position)) {
      if (isIn[each] === 1) continue;
      isIn[each] = 1;
      open.push(each);
    }
  }
  return [...graph.order].filter((position) => isIn[position] === 1);
}

/**
 * The tasks by level: those of one level do not depend on each other, and each depends on one of the level before.
 * In a level, the order of the definition.
 */
export function levelsOf(graph: Graph): number[][] {
  const level = new Int32Array(graph.size);
  let count = 0;
  for (const position of graph.order) {
    for (const parent of graph.parentsOf(position)) {
      level[position] = Math.max(at(level, position), at(level, parent) + 1);
    }
    count = Math.max(count, at(level, position) + 1);
  }
  const levels = Array.from({ length: count }, (): number[] => []);
  for (const position of positions(graph)) levels[at(level, position)]?.push(position);
  return levels;
}

/** When tasks start if none waits for a slot and the run begins at 0; all in milliseconds, by position. */
export interface Timetable {
  /** When the last task ends. */
  readonly endMs: number;
  /** Not before all upstream tasks have ended. */
  readonly earliestStartMs: Float64Array;
  /** Not so late that the end moves. The difference to the earliest is the task's slack. */
  readonly latestStartMs: Float64Array;
  /** One of the longest ways through the graph, from a root to a leaf. */
  readonly criticalPath: readonly number[];
}

/** `durationsMs` are by position, whole and not negative, so that sums are exact and the slack of a critical task is 0. */
export function timetableOf(graph: Graph, durationsMs: Float64Array): Timetable {
  const earliestStartMs = earliestStarts(graph, durationsMs);
  const earliestEndMs = earliestStartMs.map((start, position) => start + at(durationsMs, position));
  const endMs = earliestEndMs.reduce((latest, end) => Math.max(latest, end), 0);
  return {
    endMs,
    earliestStartMs,
    latestStartMs: latestStarts(graph, durationsMs, endMs),
    criticalPath: longestPath(graph, { starts: earliestStartMs, ends: earliestEndMs, endMs }),
  };
}

function earliestStarts(graph: Graph, durationsMs: Float64Array): Float64Array {
  const starts = new Float64Array(graph.size);
  for (const position of graph.order) {
    for (const parent of graph.parentsOf(position)) {
      starts[position] = Math.max(at(starts, position), at(starts, parent) + at(durationsMs, parent));
    }
  }
  return starts;
}

function latestStarts(graph: Graph, durationsMs: Float64Array, endMs: number): Float64Array {
  const starts = new Float64Array(graph.size);
  for (const position of graph.order.toReversed()) {
    let end = endMs;
    for (const child of graph.childrenOf(position)) end = Math.min(end, at(starts, child));
    starts[position] = end - at(durationsMs, position);
  }
  return starts;
}

/** From a leaf that ends last back to a root: each task starts when the one before it ends. */
function longestPath(
  graph: Graph,
  { starts, ends, endMs }: { starts: Float64Array; ends: Float64Array; endMs: number },
): number[] {
  const path: number[] = [];
  let position = leavesOf(graph).find((leaf) => ends[leaf] === endMs);
  while (position !== undefined) {
    path.push(position);
    const start = starts[position];
    position = graph.parentsOf(position).find((parent) => ends[parent] === start);
  }
  return path.toReversed();
}

function positions(graph: Graph): number[] {
  return Array.from({ length: graph.size }, (_, position) => position);
}

/** Positions are always within the arrays; the type of an index does not know. */
function at(values: Int32Array | Float64Array, position: number): number {
  return values[position] ?? 0;
}
