/** What is wrong with what tasks say of the data of others: filters and bindings of tasks that they do not depend on. */
import type { Binding } from "./bindings.ts";
import type { Nearest, Problem } from "./check.ts";
import type { Dag, Task } from "./model.ts";

export interface DataProblem extends Problem {
  readonly kind: "not_a_dependency";
  /** The task that is named. */
  readonly task: string;
}

/** Of one task, at its position in the definition: of its filters, and then of its bindings, each in their order. */
export function problemsOfData(task: Task, position: number, nearest: Nearest): DataProblem[] {
  const { edgeFilters, bindings } = task;
  if (edgeFilters === undefined && bindings === undefined) return [];
  const refuse = refuser(task, nearest);
  const at = ["tasks", position] as const;
  return [
    ...Object.keys(edgeFilters ?? {}).flatMap((named) => refuse(named, [...at, "edge_filters", named])),
    ...Object.entries(bindings ?? {}).flatMap(([field, binding]) =>
      tasksOf(binding).flatMap((named) => refuse(named.task, [...at, "bindings", field, named.at])),
    ),
  ];
}

/** Refuses what is no direct dependency: upstream of one is not enough, since it may have several instances by then. */
function refuser(
  { id, dependsOn }: Task,
  nearest: Nearest,
): (named: string, path: readonly (string | number)[]) => DataProblem[] {
  const known = new Set(dependsOn);
  return (named, path) => {
    if (known.has(named)) return [];
    const near = nearest(named, dependsOn);
    const advice = near === undefined ? "add it there, or leave this out" : `did you mean '${near}'?`;
    const message = `'${named}' is not in depends_on of task '${id}': ${advice}`;
    return [{ path, message, kind: "not_a_dependency", task: named }];
  };
}

interface Named {
  readonly task: string;
  /** The field of the binding that names it. */
  readonly at: string;
}

function tasksOf(binding: Binding): Named[] {
  return binding.source === "previous_node" ? [{ task: binding.node, at: "node" }] : [];
}

/** A default that is said twice would be two when one of them is changed. */
export function problemsOfInputs({ inputs = {}, params }: Dag): Problem[] {
  return Object.entries(inputs).flatMap(([name, said]) => {
    if (said.default === undefined || !Object.hasOwn(params, name)) return [];
    const message = `params has a default of '${name}' already: leave one of the two out`;
    return [{ path: ["inputs", name, "default"], message }];
  });
}
