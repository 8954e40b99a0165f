/** `dag explain RUN [TASK]`: what a run or a task waits for, or how its attempts ended, and where. */
import type { Settings } from "../../internal/config/load.ts";
import type { ClusterView } from "../../internal/core/cluster-view.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { nearest } from "../../internal/spec/problems.ts";
import { type ExplainedRun, explainRun } from "../../internal/executor/explain.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { runExplainedJson, taskExplainedJson } from "./explain-json.ts";
import { runExplained, taskExplained } from "./explain-text.ts";
import { unknownRun } from "./look.ts";
import { UsageError } from "./usage-error.ts";

/** What stands around a run, as far as anybody could be asked. */
export interface Explanation extends ExplainedRun {
  readonly view: ClusterView | undefined;
}

const ASK_MS = 1_000;

export async function explain(
  { json }: { readonly json: boolean },
  settings: Settings,
  [runId = "", task]: readonly string[],
): Promise<number> {
  const explained = await withCluster(settings, (cluster) => explanationOf(runId, cluster));
  if (explained === undefined) throw unknownRun(runId);
  const position = task === undefined ? undefined : positionOf(task, explained.run);
  if (json) {
    const value =
      position === undefined ? runExplainedJson(explained) : taskExplainedJson(explained, position);
    process.stdout.write(`${JSON.stringify(value)}\n`);
  } else {
    const width = lineWidth();
    const lines =
      position === undefined ? runExplained(explained, width) : taskExplained(explained, { position, width });
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return 0;
}

export async function explanationOf(runId: string, cluster: OpenCluster): Promise<Explanation | undefined> {
  const view = await cluster.desk.ask(ASK_MS);
  const explained = await explainRun(runId, { ...cluster, view });
  return explained === undefined ? undefined : { ...explained, view };
}

/** Throws `UsageError` when the run has no such task. */
export function positionOf(task: string, run: RunFold): number {
  const position = run.graph.position(task);
  if (position !== undefined) return position;
  const near = nearest(
    task,
    run.graph.dag.tasks.map(({ id }) => id),
  );
  const hint = near === undefined ? "`dag status` shows its tasks" : `did you mean '${near}'?`;
  throw new UsageError(`task '${task}' is not in run '${run.runId}': ${hint}`);
}
