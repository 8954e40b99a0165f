/** The form of a DAG, and what its runs begin with: params are what a run has, and the form asks for some of them. */
import { isBlank } from "./bindings.ts";
import { expressedIn } from "./expressed.ts";
import { formFields, type FormField, mergeInput, type MergedInput, toField } from "./input-form.ts";
import type { JsonObject } from "./json.ts";
import type { Dag } from "./model.ts";

type Asking = Pick<Dag, "inputs" | "params" | "tasks">;

/** All that may be given, with the default that counts: what is asked for, then the other params. */
export function formOf(dag: Asking): FormField[] {
  const asked = askedBy(dag);
  const fields = new Map(asked.map((field) => [field.name, field]));
  for (const [name, preset] of Object.entries(dag.params)) {
    const { default: _, ...field } = fields.get(name) ?? toField(name, {});
    fields.set(name, isBlank(preset) ? field : { ...field, default: preset });
  }
  return [...fields.values()];
}

/**
 * The params of a run that is started with these. A blank one that is asked for counts as not given; what is not asked
 * for is taken as it is.
 */
export function inputOf(dag: Asking, given: JsonObject = {}): MergedInput {
  const fields = askedBy(dag);
  const names = new Set(fields.map(({ name }) => name));
  const others = Object.entries(given).filter(([name]) => !names.has(name));
  return mergeInput(fields, { ...dag.params, ...Object.fromEntries(others) }, given);
}

function askedBy({ inputs = {}, tasks }: Asking): FormField[] {
  const declared = Object.entries(inputs).map(([name, said]) => toField(name, said));
  const asking = tasks.map((task) => ({
    bindings: task.bindings,
    expressions: task.hasExpressions === true ? expressedIn(task).map(({ text }) => text) : [],
  }));
  return formFields(declared, asking);
}
