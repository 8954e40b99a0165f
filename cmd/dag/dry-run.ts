/** `dag run FILE --dry-run`: the plan, and nothing runs. */
import { secretOf } from "../../internal/core/bindings.ts";
import { formOf, inputOf } from "../../internal/core/dag-form.ts";
import { Graph } from "../../internal/core/graph.ts";
import { secretsIn } from "../../internal/core/secrets.ts";
import type { Dag, Task } from "../../internal/core/model.ts";
import type { DagRun } from "../../internal/executor/executor.ts";
import { inputName } from "../../internal/executor/run-input.ts";

/** What is planned, with the params that are given. */
export type Planned = Pick<DagRun, "dag" | "params" | "tenantId">;

export function plan({ dag, params, tenantId = dag.tenantId }: Planned): string {
  const steps = [...new Graph(dag).order].map((position, i) => `  ${i + 1}. ${step(dag.tasks[position])}`);
  const secrets = secretsOf(dag);
  const { missing } = inputOf(dag, params);
  const head = [
    `DRY RUN: DAG '${dag.name}'`,
    `Tenant: ${tenantId}`,
    `Tasks: ${dag.tasks.length}`,
    ...(secrets.length === 0 ? [] : [`Secrets: ${secrets.join(", ")}`]),
    ...(missing.length === 0 ? [] : [`Inputs still to be given: ${missing.map(inputName).join(", ")}`]),
  ];
  return `${[...head, "", "Execution Plan:", ...steps].join("\n")}\n`;
}

/** The same plan for a script. */
export function planJson({ dag, params, tenantId = dag.tenantId }: Planned): string {
  const order = [...new Graph(dag).order].map((position) => dag.tasks[position]);
  const tasks = order.map((task) => ({ id: task?.id, type: task?.type, depends_on: task?.dependsOn }));
  const missing = inputOf(dag, params).missing.map(({ name }) => name);
  return `${JSON.stringify({ dag: dag.name, tenant: tenantId, secrets: secretsOf(dag), missing, tasks })}\n`;
}

/** The names of those that the workers must have. */
function secretsOf(dag: Dag): string[] {
  const values = dag.tasks.flatMap(({ env, options, params }) => [env, options, params]);
  const defaults = Object.fromEntries(formOf(dag).map(({ name, default: preset = null }) => [name, preset]));
  const bound = dag.tasks.flatMap(({ bindings = {} }) =>
    Object.values(bindings).flatMap((each) => secretOf(each) ?? []),
  );
  return [...new Set([...(secretsIn(defaults, ...values) ?? []), ...bound])].toSorted();
}

function step(task: Task | undefined): string {
  if (task === undefined) return "";
  const what = task.type === "function" ? `workflow: ${task.command}` : `type: ${task.type}`;
  const after = task.dependsOn.length === 0 ? "none" : task.dependsOn.join(", ");
  return `${task.id} (${what}, depends_on: ${after})`;
}
