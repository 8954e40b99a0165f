/** What `--json` prints. */
import type { ToldArtifact } from "../../internal/core/artifact.ts";
import type { Loss } from "../../internal/core/endings.ts";
import type { InstanceResult, RunResult, TaskResult } from "../../internal/core/result.ts";
import type { WorkerView } from "../../internal/core/cluster-view.ts";

export function runJson({ runId, dag, state, durationMs, tasks }: RunResult): string {
  const whole = {
    run_id: runId,
    dag,
    state,
    duration_ms: Math.round(durationMs),
    tasks: Object.fromEntries(Object.entries(tasks).map(([id, task]) => [id, taskJson(task)])),
  };
  return JSON.stringify(whole);
}

function taskJson({ instances, ...task }: TaskResult): object {
  const own = resultJson(task);
  if (instances === undefined) return own;
  return { ...own, instances: instances.map((each, index) => ({ index, ...resultJson(each) })) };
}

function resultJson(result: InstanceResult): object {
  const { state, attempts, worker, durationMs, output, error, skipped, losses, runsFor, artifacts } = result;
  const wrong =
    error === undefined
      ? null
      : { reason: error.reason, message: error.message, exit_code: error.exitCode, signal: error.signal };
  return {
    state,
    attempts,
    worker: worker ?? null,
    duration_ms: durationMs === undefined ? null : Math.round(durationMs),
    output: output ?? null,
    error: wrong,
    ...(skipped === undefined ? {} : { skipped }),
    ...(losses === undefined ? {} : { losses: losses.map(lossJson) }),
    ...(runsFor === undefined ? {} : { runs_for: runsFor }),
    ...(artifacts === undefined ? {} : { artifacts: artifacts.map(artifactJson) }),
  };
}

export function artifactJson({ id, name, size, mimeType, metadata, origin }: ToldArtifact): object {
  return { id, file_name: name, file_size: size, mime_type: mimeType, metadata, origin };
}

export function lossJson({ attempt, worker, time, durationMs, message }: Loss): object {
  return {
    attempt,
    worker: worker ?? null,
    time: new Date(time).toISOString(),
    duration_ms: Math.round(durationMs),
    message,
  };
}

export function workerJson(worker: WorkerView): string {
  return JSON.stringify({
    worker_id: worker.workerId,
    host: worker.host,
    pid: worker.pid,
    queues: worker.queues,
    functions: worker.functions,
    slots: worker.slots,
    active: worker.active,
    draining: worker.draining,
    waits: worker.waits ?? null,
    blocked_ms: worker.blockedMs,
    silent_ms: worker.silentMs,
  });
}
