/** What is wrong with bindings when a definition is saved: the first problem. */
import { problemsOfData } from "../../internal/core/check-data.ts";
import type { Bindings } from "../../internal/core/bindings.ts";
import { nearest } from "../../internal/spec/problems.ts";
import { differences, type Vector, type VectorRunner } from "./vector.ts";

interface Node {
  readonly slug: string;
  readonly name?: string;
  readonly depends_on?: readonly string[];
  readonly bindings?: Bindings;
}

export const validate: VectorRunner = {
  file: "validate.json",
  run: (vector) =>
    differences(
      { error: firstOf((vector as { nodes: readonly Node[] } & Vector).nodes) },
      { error: vector.error },
    ),
};

function firstOf(nodes: readonly Node[]): object | null {
  for (const [position, { slug, name = "", depends_on = [], bindings = {} }] of nodes.entries()) {
    const task = { id: slug, type: "plugin", options: {}, params: {}, dependsOn: depends_on, bindings };
    const [first] = problemsOfData(task, position, nearest);
    if (first === undefined) continue;
    const { kind, path, task: named, expression } = first;
    const label = name === "" ? `Node ${position + 1}` : name;
    return { node_label: label, kind, field: path[3], slug: named, expression_error: expression };
  }
  return null;
}
