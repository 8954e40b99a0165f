/** What a person may want to know, and to try, when a run does not go as it should. */
import { instanceName } from "../../internal/core/instance-name.ts";
import type { FailureReason } from "../../internal/core/outcome.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { InstanceResult, RunResult } from "../../internal/core/result.ts";
import type { ClusterView } from "../../internal/core/cluster-view.ts";
import { obstaclesOf } from "../../internal/core/waiting.ts";
import { obstacleText } from "../../internal/telemetry/waiting-text.ts";
import type { NextStep } from "../../internal/telemetry/summary.ts";

/** What keeps a run of this DAG from going on. */
export function missing(dag: Dag, view: ClusterView | undefined): string[] {
  const waiting = new Set(view?.queues.flatMap(({ queue, depth }) => (depth > 0 ? queue : [])));
  const own = dag.tasks.filter(({ queue }) => waiting.has(queue));
  return obstaclesOf(view, own).map(obstacleText);
}

export interface RunPlace {
  /** What was run: a file, or the name of a deployed DAG; absent where a run is only watched. */
  readonly definition?: string;
  /** What leads to the cluster from the command line, such as `--nats nats://host:4222`, or empty; absent for a run in this process. */
  readonly cluster?: string;
}

/** What to try after a run that did not complete. */
export function nextSteps({ runId, state, tasks }: RunResult, { definition, cluster }: RunPlace): NextStep[] {
  if (state === "completed") return [];
  const failed = Object.values(tasks).flatMap(({ error, attempts }) =>
    error === undefined ? [] : [{ reason: error.reason, isRetried: attempts > 1 }],
  );
  const hints = failed.map((each) => hintOf(each, cluster)).filter((hint) => hint !== undefined);
  const steps = new Map(hints.map((hint) => [hint[0], hint]));
  const onCluster: NextStep[] =
    cluster === undefined ? [] : [[joined("dag retry", runId, cluster), "what succeeded is kept"]];
  const look = cluster === undefined ? [] : lookAt(runId, tasks, cluster);
  const again: NextStep[] =
    definition === undefined ? [] : [[joined("dag run", definition, cluster ?? ""), "once more"]];
  return [...look, ...steps.values(), ...onCluster, ...again];
}

/** Of the first that did something wrong; of those that were cancelled where nothing did. */
function lookAt(runId: string, tasks: RunResult["tasks"], cluster: string): NextStep[] {
  const printed = Object.entries(tasks).flatMap(([task, result]) => {
    const all: readonly InstanceResult[] = result.instances ?? [result];
    return all.flatMap(({ error, attempts, state }, index) =>
      error === undefined || attempts === 0 ? [] : [{ task, index, state, isOneOfSeveral: all.length > 1 }],
    );
  });
  const which = printed.find(({ state }) => state !== "cancelled") ?? printed[0];
  if (which === undefined) return [];
  const name = instanceName(which, which);
  const own = which.isOneOfSeveral ? `'${name}'` : name;
  return [
    ...(which.isOneOfSeveral
      ? [[joined("dag explain", runId, which.task, cluster), "which instances failed, and why"] as const]
      : []),
    [joined("dag logs", runId, own, cluster), "what it printed"],
  ];
}

function hintOf(
  { reason, isRetried }: { readonly reason: FailureReason; readonly isRetried: boolean },
  cluster: string | undefined,
): NextStep | undefined {
  switch (reason) {
    case "unknown-function":
      return cluster === undefined
        ? ["--functions FILE", "loads a module whose named exports are functions"]
        : ["worker --functions FILE", "the workers must know the function"];
    case "engine-gone":
      return ["docker info", "where the task runs: says whether the Docker engine answers, and why not"];
    case "timed-out":
      return ["timeout: 1h", "in the definition: more time for the task"];
    case "exit-nonzero":
    case "http-status":
    case "network":
    case "function-error":
      return isRetried ? undefined : ["retries: 3", "in the definition: the task is tried again by itself"];
    case "lost":
      return [joined("dag workers", cluster ?? ""), "who is alive"];
    default:
      return undefined;
  }
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
