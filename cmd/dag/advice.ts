/** What a person may want to know, and to try, when a run does not go as it should. */
import type { FailureReason } from "../../internal/core/outcome.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
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
  const printed = Object.entries(tasks).find(
    ([, { error, attempts }]) => error !== undefined && attempts > 0,
  );
  const look: NextStep[] =
    cluster === undefined || printed === undefined
      ? []
      : [[joined("dag logs", runId, printed[0], cluster), "what it printed"]];
  const again: NextStep[] =
    definition === undefined ? [] : [[joined("dag run", definition, cluster ?? ""), "once more"]];
  return [...look, ...steps.values(), ...onCluster, ...again];
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
