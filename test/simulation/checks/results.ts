/** What is told of the end of a run. */
import type { RunResult } from "../../../internal/core/result.ts";
import type { RunFold } from "../../../internal/core/run-fold.ts";

/** As the fold has it. */
export function resultOf(fold: RunFold): string {
  const { graph, instances } = fold;
  const tasks = Array.from({ length: graph.size }, (_, position) => {
    const states = instances.of(position).map((instance) => instances.state(instance));
    return said(fold.task(position).id, fold.stateOf(position), states);
  });
  return [fold.end, ...tasks].join("; ");
}

/** As somebody was told. */
export function resultTold({ state, tasks }: RunResult): string {
  const all = Object.entries(tasks).map(([id, told]) => {
    const states = told.instances?.map((each) => each.state) ?? [told.state];
    return said(id, told.state, states);
  });
  return [state, ...all].join("; ");
}

function said(task: string, state: string, instances: readonly string[]): string {
  return `${task} ${state} of ${instances.join(" ")}`;
}
