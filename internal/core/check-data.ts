/** What is wrong with what is said of data between tasks: filters, bindings, expressions and inputs. */
import type { Binding } from "./bindings.ts";
import type { Nearest, Problem } from "./check.ts";
import { expressedIn } from "./expressed.ts";
import { problemsOfExpression, references } from "./expression/check.ts";
import { CONFIG, INPUT } from "./expression/expression.ts";
import { parseExpression } from "./expression/parse.ts";
import type { ProblemKind } from "./expression/problem.ts";
import { expressedParams } from "./fill-in.ts";
import type { Dag, Task } from "./model.ts";
import { secretsIn } from "./secrets.ts";

/**
 * A task that is named and is no dependency, an expression that is wrong, a secret where none is looked up, or a param
 * that is not there yet.
 */
export interface DataProblem extends Problem {
  readonly kind: "not_a_dependency" | "expression" | "secret" | "config";
  /** The task that is no dependency. */
  readonly task?: string;
  /** What is wrong with the expression. */
  readonly expression?: ProblemKind;
}

export type CheckedTask = Pick<
  Task,
  "id" | "type" | "options" | "params" | "dependsOn" | "edgeFilters" | "bindings" | "hasExpressions"
>;

/** Of one task, at its position in the definition. */
export function problemsOfData(task: CheckedTask, position: number, nearest: Nearest): DataProblem[] {
  const { edgeFilters, bindings, hasExpressions } = task;
  if (edgeFilters === undefined && bindings === undefined && hasExpressions !== true) return [];
  const refuse = refuser(task, nearest);
  const at = ["tasks", position];
  return [
    ...Object.entries(bindings ?? {}).flatMap(([field, binding]) =>
      problemsOfBinding(binding, [...at, "bindings", field], refuse),
    ),
    ...(hasExpressions === true ? problemsOfValues(task, at, refuse) : []),
    ...Object.keys(edgeFilters ?? {}).flatMap((named) => refuse(named, [...at, "edge_filters", named])),
  ];
}

type Path = Problem["path"];
type Refuse = (named: string, path: Path) => DataProblem[];

function problemsOfBinding(binding: Binding, at: Path, refuse: Refuse): DataProblem[] {
  switch (binding.source) {
    case "previous_node":
      return refuse(binding.node, [...at, "node"]);
    case "expression":
      return problemsOfText(binding.expression, [...at, "expression"], refuse);
    case "config":
      return problemsOfSecret(binding.value ?? "", [...at, "value"], "write $NAME for a secret");
    case "runtime":
      return [];
  }
}

/** Expressions in the places of values. */
function problemsOfValues(task: CheckedTask, at: Path, refuse: Refuse): DataProblem[] {
  const expressed = expressedParams(task.params);
  return expressedIn(task).flatMap(({ path, text }) => {
    const place = [...at, ...path, "expression"];
    const problems = problemsOfText(text, place, refuse);
    return path[0] === "params" ? [...problems, ...problemsOfConfig(text, place, expressed)] : problems;
  });
}

/** Which of two params would have to be first is nothing that anybody should have to know. */
function problemsOfConfig(text: string, path: Path, expressed: ReadonlySet<string>): DataProblem[] {
  const parsed = parseExpression(text);
  const named = "expression" in parsed ? references(parsed.expression).config : [];
  return named
    .filter((key) => expressed.has(key))
    .map((key) => {
      const message = `{config.${key}} is a param with an expression itself: params see only those without; write here what it says`;
      return { path, message, kind: "config" };
    });
}

/** Its form first, then the tasks that it names. */
function problemsOfText(text: string, path: Path, refuse: Refuse): DataProblem[] {
  const wrong = problemsOfExpression(text).map(({ kind, offset, message }): DataProblem => {
    const where = `expression, at character ${offset + 1}: ${message}`;
    return { path, message: where, kind: "expression", expression: kind };
  });
  const parsed = parseExpression(text);
  const named = "expression" in parsed ? references(parsed.expression).nodes : [];
  const instead = "put the secret into params of the task, and write {config.NAME}";
  return [...wrong, ...problemsOfSecret(text, path, instead), ...named.flatMap((task) => refuse(task, path))];
}

/** It would come out as it stands. */
function problemsOfSecret(text: string, path: Path, instead: string): DataProblem[] {
  if (secretsIn(text) === undefined) return [];
  return [{ path, message: `secret:// is not looked up here: ${instead}`, kind: "secret" }];
}

/** Refuses what is no direct dependency: what is further up may have several instances by then. */
function refuser({ id, dependsOn }: CheckedTask, nearest: Nearest): Refuse {
  const known = new Set(dependsOn);
  return (named, path) => {
    if (known.has(named)) return [];
    const near = nearest(named, dependsOn);
    const advice = near === undefined ? "add it there, or leave this out" : `did you mean '${near}'?`;
    const message = `'${named}' is not in depends_on of task '${id}': ${advice}`;
    return [{ path, message, kind: "not_a_dependency", task: named }];
  };
}

/** A default that is said twice would be two when one of them is changed. */
export function problemsOfInputs({ inputs = {}, params }: Dag): Problem[] {
  return Object.entries(inputs).flatMap(([name, said]) => {
    if (said.default === undefined || !Object.hasOwn(params, name)) return [];
    const message = `params has a default of '${name}' already: leave one of the two out`;
    return [{ path: ["inputs", name, "default"], message }];
  });
}

/** Where there are expressions, nobody could tell whether such a name is the task's. */
export function problemsOfReserved({ tasks }: Dag): Problem[] {
  const reserved = tasks.flatMap(({ id }, position) =>
    id === INPUT || id === CONFIG ? [{ id, position }] : [],
  );
  if (reserved.length === 0 || !tasks.some(hasExpression)) return [];
  return reserved.map(({ id, position }) => {
    const what = id === INPUT ? "an input of the run" : "a param of the task itself";
    const message = `a task cannot be called '${id}' in a DAG with expressions, where {${id}.key} is ${what}: rename it`;
    return { path: ["tasks", position, "id"], message };
  });
}

function hasExpression({ bindings = {}, hasExpressions }: Task): boolean {
  return hasExpressions === true || Object.values(bindings).some(({ source }) => source === "expression");
}
