/** `dag explain RUN [TASK]`: what a run, a task or an instance of one waits for, or how its attempts ended, and where. */
import type { Settings } from "../../internal/config/load.ts";
import type { ClusterView } from "../../internal/core/cluster-view.ts";
import { readInstanceName } from "../../internal/core/instance-name.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { nearest } from "../../internal/spec/problems.ts";
import { type ExplainedRun, explainRun } from "../../internal/executor/explain.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { instanceExplainedJson, runExplainedJson, taskExplainedJson } from "./explain-json.ts";
import { instanceExplained, taskExplained } from "./explain-task-text.ts";
import { runExplained } from "./explain-text.ts";
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
  const which = task === undefined ? undefined : instanceOf(task, explained.run);
  const text = json
    ? JSON.stringify(explanationJson(explained, which))
    : explanationText(explained, which).join("\n");
  process.stdout.write(`${text}\n`);
  return 0;
}

function explanationText(explained: Explanation, which: Which | undefined): string[] {
  const width = lineWidth();
  if (which === undefined) return runExplained(explained, width);
  const { position, instance } = which;
  return instance === undefined
    ? taskExplained(explained, { position, width })
    : instanceExplained(explained, { instance, width });
}

function explanationJson(explained: Explanation, which: Which | undefined): object {
  if (which === undefined) return runExplainedJson(explained);
  const { position, instance } = which;
  return instance === undefined
    ? taskExplainedJson(explained, position)
    : instanceExplainedJson(explained, instance);
}

export async function explanationOf(runId: string, cluster: OpenCluster): Promise<Explanation | undefined> {
  const view = await cluster.desk.ask(ASK_MS);
  const explained = await explainRun(runId, { ...cluster, view });
  return explained === undefined ? undefined : { ...explained, view };
}

/** A task of a run by its position, or one instance of it by its number. */
export interface Which {
  readonly position: number;
  readonly instance?: number;
}

/** Reads `load` and `load[3]`. Throws `UsageError` when the run has no such task or instance. */
export function instanceOf(text: string, run: RunFold): Which {
  const { task, index } = readInstanceName(text);
  const position = run.graph.position(task);
  if (position === undefined) throw unknownTask(task, run);
  if (index === undefined) return { position };
  const instance = run.instances.numberOf(position, index);
  if (instance !== undefined) return { position, instance };
  const what = `task '${task}' of run '${run.runId}'`;
  const count = run.instances.countOf(position);
  if (count > 1) throw new UsageError(`${what} has the instances 0 to ${count - 1}: there is no ${index}`);
  const mayHave = run.task(position).fanMode !== undefined && !run.instances.hasEnded(position);
  throw new UsageError(
    mayHave
      ? `${what} has not been launched: how many instances it will have is not known yet`
      : `${what} has one instance: name the task alone`,
  );
}

function unknownTask(task: string, run: RunFold): UsageError {
  const near = nearest(
    task,
    run.graph.dag.tasks.map(({ id }) => id),
  );
  const hint = near === undefined ? "`dag status` shows its tasks" : `did you mean '${near}'?`;
  return new UsageError(`task '${task}' is not in run '${run.runId}': ${hint}`);
}
