/** A checked definition as a graph: tasks by position (their place in the definition), edges in flat arrays. */
import type { Dag, Task } from "./model.ts";

/** Edges of all positions in one array: those of `i` are `items[start[i]]` up to `items[start[i + 1]]`. */
interface Adjacency {
  readonly start: Int32Array;
  readonly items: Int32Array;
}

export class Graph {
  readonly dag: Dag;
  readonly size: number;
  /** How many tasks each one waits for. */
  readonly indegree: Int32Array;
  /** Positions in topological order, ties in the order of the definition. */
  readonly order: Int32Array;
  readonly #positions: Map<string, number>;
  readonly #parents: Adjacency;
  readonly #children: Adjacency;

  /** `dag` has no unknown or repeated dependency and no cycle; see `problemsOf`. */
  constructor(dag: Dag) {
    this.dag = dag;
    this.size = dag.tasks.length;
    this.#positions = new Map(dag.tasks.map((task, position) => [task.id, position]));
    this.#parents = parentsOf(dag, this.#positions);
    this.#children = transpose(this.#parents, this.size);
    this.indegree = Int32Array.from({ length: this.size }, (_, position) => this.parentsOf(position).length);
    this.order = this.#topologicalOrder();
  }

  position(taskId: string): number | undefined {
    return this.#positions.get(taskId);
  }
  task(position: number): Task {
    const task = this.dag.tasks[position];
    if (task === undefined) throw new Error(`internal: no task at position ${position}`);
    return task;
  }
  /** Direct upstream, in the order of `depends_on`. */
  parentsOf(position: number): Int32Array {
    return slice(this.#parents, position);
  }
  /** Direct downstream, in the order of the definition. */
  childrenOf(position: number): Int32Array {
    return slice(this.#children, position);
  }

  /** Kahn's algorithm. */
  #topologicalOrder(): Int32Array {
    const order = new Int32Array(this.size);
    const waiting = Int32Array.from(this.indegree);
    let found = 0;
    for (let position = 0; position < this.size; position++) {
      if (waiting[position] === 0) order[found++] = position;
    }
    for (let done = 0; done < found; done++) {
      for (const child of this.childrenOf(order[done] ?? 0)) {
        const left = (waiting[child] ?? 0) - 1;
        waiting[child] = left;
        if (left === 0) order[found++] = child;
      }
    }
    if (found < this.size) throw new Error(`internal: DAG '${this.dag.name}' has a cycle`);
    return order;
  }
}

function slice({ start, items }: Adjacency, position: number): Int32Array {
  return items.subarray(start[position], start[position + 1]);
}

function parentsOf(dag: Dag, positions: Map<string, number>): Adjacency {
  const start = new Int32Array(dag.tasks.length + 1);
  for (const [position, task] of dag.tasks.entries()) {
    start[position + 1] = (start[position] ?? 0) + task.dependsOn.length;
  }
  const items = new Int32Array(start[dag.tasks.length] ?? 0);
  let next = 0;
  for (const task of dag.tasks) {
    for (const id of task.dependsOn) {
      const parent = positions.get(id);
      if (parent === undefined) throw new Error(`internal: task '${task.id}' depends on unknown '${id}'`);
      items[next++] = parent;
    }
  }
  return { start, items };
}

function transpose(edges: Adjacency, size: number): Adjacency {
  const start = new Int32Array(size + 1);
  for (const target of edges.items) start[target + 1] = (start[target + 1] ?? 0) + 1;
  for (let position = 0; position < size; position++) {
    start[position + 1] = (start[position + 1] ?? 0) + (start[position] ?? 0);
  }
  const next = Int32Array.from(start);
  const items = new Int32Array(edges.items.length);
  for (let source = 0; source < size; source++) {
    for (const target of slice(edges, source)) {
      const at = next[target] ?? 0;
      items[at] = source;
      next[target] = at + 1;
    }
  }
  return { start, items };
}
