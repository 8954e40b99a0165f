/** The params that a run begins with: what its caller gives, merged with what the DAG says of it. */
import { inputOf } from "../core/dag-form.ts";
import type { FormField } from "../core/input-form.ts";
import type { JsonObject } from "../core/json.ts";
import { BadInput, type DagRun } from "./executor.ts";

/** A run was started without something that its DAG requires; all of it is told at once. */
export class MissingInput extends BadInput {
  override readonly code = "MISSING_INPUT";
  readonly missing: readonly Pick<FormField, "name" | "label">[];

  constructor(dag: string, missing: readonly FormField[]) {
    const [first] = missing;
    const all = missing.map(inputName).join(", ");
    const [what, give] =
      missing.length === 1
        ? ["an input that was", "Give it as a param"]
        : ["inputs that were", "Give them as params"];
    super(`DAG '${dag}' needs ${what} not given: ${all}. ${give}, like --param ${first?.name}=…`);
    this.name = "MissingInput";
    this.missing = missing.map(({ name, label }) => ({ name, label }));
  }
}

/** `Day of the report (day)` */
export function inputName({ name, label }: Pick<FormField, "name" | "label">): string {
  return name === label ? name : `${label} (${name})`;
}

/** Throws `MissingInput`. */
export function inputOfRun({ dag, params }: Pick<DagRun, "dag" | "params">): JsonObject {
  const { input, missing } = inputOf(dag, params);
  if (missing.length > 0) throw new MissingInput(dag.name, missing);
  return input;
}
