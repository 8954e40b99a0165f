/** What is wrong with a definition as a whole: names, dependencies, cycles. Every problem at once. */
import { problemsOfData, problemsOfInputs, problemsOfReserved } from "./check-data.ts";
import type { Dag, Task } from "./model.ts";

export interface Problem {
  /** Into the definition, in the file's names: `["tasks", 3, "depends_on", 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Names are parts of subjects, where a dot, a blank or a star would change the routing. */
export const NAME = /^[A-Za-z0-9_-]{1,128}$/;
export const NAME_RULE = "1 to 128 of A-Z a-z 0-9 _ -";

/** The known name nearest to one that is not known; `undefined` when none is near. */
export type Nearest = (name: string, known: readonly string[]) => string | undefined;

/** To look for the nearest of many names takes long; nobody reads more of these. */
const MAX_HINTS = 20;

export function problemsOf(dag: Dag, nearest: Nearest): Problem[] {
  const found: Problem[] = [];
  if (dag.tasks.length === 0)
    found.push({ path: ["tasks"], message: "there is no task: at least one is needed" });
  const firstAt = new Map<string, number>();
  for (const [position, task] of dag.tasks.entries()) {
    found.push(...problemsOfNames(task, position));
    found.push(...problemsOfRepeatedId(task, position, firstAt));
    if (!firstAt.has(task.id)) firstAt.set(task.id, position);
  }
  const near = seldom(nearest);
  const hint = hintOf(firstAt, near, "no task has this id");
  for (const [position, task] of dag.tasks.entries()) {
    found.push(...problemsOfDependencies({ task, position, known: firstAt, hint }));
    found.push(...problemsOfData(task, position, near));
  }
  found.push(...problemsOfInputs(dag), ...problemsOfReserved(dag));
  const cycle = findCycle(dag);
  if (cycle !== undefined) {
    const path = cycle.join(" → ");
    const at = firstAt.get(cycle[0] ?? "") ?? 0;
    const message = `Cycle detected in DAG '${dag.name}': ${path} (remove one of these dependencies)`;
    found.push({ path: ["tasks", at, "depends_on"], message });
  }
  return found;
}

/** Tasks with neither dependencies nor dependents in a DAG of several: allowed, and perhaps not meant. */
export function orphansOf(dag: Dag): string[] {
  if (dag.tasks.length < 2) return [];
  const needed = new Set(dag.tasks.flatMap((task) => task.dependsOn));
  return dag.tasks
    .filter((task) => task.dependsOn.length === 0 && !needed.has(task.id))
    .map((task) => task.id);
}

/**
 * What is wrong with a task that is added after the `known` ones (positions by id). It may depend on these alone, so
 * that a definition which grows in this way has no cycle.
 */
export function problemsOfNext(task: Task, known: ReadonlyMap<string, number>, nearest: Nearest): Problem[] {
  const position = known.size;
  const near = seldom(nearest);
  const hint = hintOf(known, near, "no task before it has this id");
  return [
    ...problemsOfNames(task, position),
    ...problemsOfRepeatedId(task, position, known),
    ...problemsOfDependencies({ task, position, known, hint }),
    ...problemsOfData(task, position, near),
  ];
}

function problemsOfNames(task: Task, position: number): Problem[] {
  const found: Problem[] = [];
  if (!NAME.test(task.id)) {
    found.push({
      path: ["tasks", position, "id"],
      message: `task id '${task.id}' is not allowed: use ${NAME_RULE}`,
    });
  }
  return found;
}

function problemsOfRepeatedId(task: Task, position: number, known: ReadonlyMap<string, number>): Problem[] {
  const first = known.get(task.id);
  if (first === undefined) return [];
  const message = `task id '${task.id}' is used twice: it names task ${first + 1} already`;
  return [{ path: ["tasks", position, "id"], message }];
}

/** Looks for the first of them alone. */
function seldom(nearest: Nearest): Nearest {
  let hints = 0;
  return (name, known) => (hints++ < MAX_HINTS ? nearest(name, known) : undefined);
}

function hintOf(
  ids: ReadonlyMap<string, number>,
  nearest: Nearest,
  otherwise: string,
): (id: string) => string {
  let known: string[] | undefined;
  return (id) => {
    const near = nearest(id, (known ??= [...ids.keys()]));
    return near === undefined ? otherwise : `did you mean '${near}'?`;
  };
}

function problemsOfDependencies(check: {
  readonly task: Task;
  readonly position: number;
  readonly known: ReadonlyMap<string, number>;
  readonly hint: (id: string) => string;
}): Problem[] {
  const { task, position, known, hint } = check;
  const found: Problem[] = [];
  const seen = new Set<string>();
  for (const [i, id] of task.dependsOn.entries()) {
    const path = ["tasks", position, "depends_on", i];
    if (id === task.id) found.push({ path, message: `task '${id}' depends on itself` });
    else if (seen.has(id)) found.push({ path, message: `dependency '${id}' is named twice` });
    else if (!known.has(id)) found.push({ path, message: `unknown dependency '${id}': ${hint(id)}` });
    seen.add(id);
  }
  return found;
}

/** One cycle as ids, first and last the same; dependencies on itself and on unknown tasks are left out. */
export function findCycle(dag: Dag): string[] | undefined {
  const tasks = new Map(dag.tasks.toReversed().map((task) => [task.id, task]));
  const done = new Set<string>();
  for (const { id } of dag.tasks) {
    const cycle = cycleFrom(id, tasks, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Walks upstream from one task, depth first, with its own stack: chains may be longer than the call stack. */
function cycleFrom(start: string, tasks: ReadonlyMap<string, Task>, done: Set<string>): string[] | undefined {
  if (done.has(start)) return undefined;
  const path: { readonly id: string; next: number }[] = [{ id: start, next: 0 }];
  const onPath = new Set([start]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const dependency = tasks.get(top.id)?.dependsOn[top.next++];
    if (dependency === undefined) {
      path.pop();
      onPath.delete(top.id);
      done.add(top.id);
    } else if (onPath.has(dependency) && dependency !== top.id) {
      const from = path.findIndex(({ id }) => id === dependency);
      // Each depends on the next one on the path; a person reads it the way the work flows.
      return [...path.slice(from).map(({ id }) => id), dependency].toReversed();
    } else if (tasks.has(dependency) && !done.has(dependency) && dependency !== top.id) {
      path.push({ id: dependency, next: 0 });
      onPath.add(dependency);
    }
  }
  return undefined;
}
