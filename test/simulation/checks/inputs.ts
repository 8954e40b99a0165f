/** Which artifacts an attempt is to find, in which order, and what it has found. */
import type { Task } from "../../../internal/core/model.ts";
import type { TaskCall } from "../../../internal/ports/task-executor.ts";
import { type ModelTask, passing } from "../../support/graph-model.ts";
import { BOUND, filterOf } from "../../support/random-data.ts";
import type { SimFiles } from "../actors/sim-files.ts";

/** What is in the file of an artifact. */
export function contentOf({ id, size }: { readonly id: string; readonly size: number | null }): string {
  return id.padEnd(size ?? 0, ".");
}

/** As the plain model has it. */
export function inputToFind({ input }: ModelTask, task: Task): string {
  const files = input?.map((each) => [each.id, each.isFile === true ? contentOf(each) : null]);
  return said(task.fanMode === "single" ? files?.[0] : files, boundOf(input ?? [], task));
}

/** By its dependency each artifact once, and those alone that pass its filter. */
function boundOf(input: NonNullable<ModelTask["input"]>, { bindings, edgeFilters }: Task): unknown {
  const binding = bindings?.[BOUND];
  if (binding?.source !== "previous_node" && binding?.source !== "expression") return undefined;
  const from = binding.source === "expression" ? binding.expression.slice(1, -".key}".length) : binding.node;
  const own = [...new Map(input.map((each) => [each.id, each])).values()].filter(
    (each) => each.from === from,
  );
  const ids = passing(own, filterOf(edgeFilters?.[from])).map(({ id }) => id);
  return ids.length > 1 ? ids : ids[0];
}

/** Where an artifact came as a file, what is in that. */
export function inputFound({ params }: TaskCall, files: SimFiles): string {
  const read = (path: unknown): unknown => (typeof path === "string" ? files.textAt(path) : path);
  const listed = params.artifacts as
    { readonly file_path: unknown; readonly metadata: { readonly key: string } }[] | undefined;
  const single = "key" in params ? [params.key, read(params.file_path)] : undefined;
  return said(
    listed?.map(({ metadata, file_path }) => [metadata.key, read(file_path)]) ?? single,
    params[BOUND],
  );
}

function said(artifacts: unknown, bound: unknown): string {
  return JSON.stringify({ artifacts, bound });
}
