/** The params of an attempt: what belongs to the run, to the task, and to its direct upstream. */
import type { GivenArtifacts, Inputs } from "./attempt.ts";
import type { JsonObject } from "./json.ts";

export interface ResolvedInputs {
  readonly run: { readonly inline: JsonObject };
  readonly own: JsonObject;
  readonly upstream: readonly (readonly [task: string, output: { readonly inline: JsonObject }])[];
  readonly artifacts?: GivenArtifacts;
}

/** Run params, over them the task's own, over them each upstream output key as `<task>__<key>`; upstream wins. */
export function mergeParams({ run, own, upstream }: ResolvedInputs): JsonObject {
  if (upstream.length === 0 && isEmpty(own)) return run.inline;
  const params: JsonObject = { ...run.inline, ...own };
  for (const [task, output] of upstream) {
    for (const [key, value] of Object.entries(output.inline)) params[`${task}__${key}`] = value;
  }
  return params;
}

/** Nothing of these inputs has to be fetched. */
export function isResolved(inputs: Inputs): inputs is Inputs & ResolvedInputs {
  return "inline" in inputs.run && inputs.upstream.every(([, output]) => "inline" in output);
}

function isEmpty(value: JsonObject): boolean {
  for (const _ in value) return false;
  return true;
}
