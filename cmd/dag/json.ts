/** What `--json` prints. */
import type { Loss } from "../../internal/core/endings.ts";
import type { RunResult } from "../../internal/core/result.ts";
import type { WorkerView } from "../../internal/core/cluster-view.ts";

export function runJson({ runId, dag, state, durationMs, tasks }: RunResult): string {
  const all = Object.entries(tasks).map(([id, task]) => {
    const { state: taskState, attempts, worker, output, error, skipped, losses } = task;
    const duration = task.durationMs === undefined ? null : Math.round(task.durationMs);
    const wrong =
      error === undefined
        ? null
        : { reason: error.reason, message: error.message, exit_code: error.exitCode, signal: error.signal };
    return [
      id,
      {
        state: taskState,
        attempts,
        worker: worker ?? null,
        duration_ms: duration,
        output: output ?? null,
        error: wrong,
        ...(skipped === undefined ? {} : { skipped }),
        ...(losses === undefined ? {} : { losses: losses.map(lossJson) }),
      },
    ];
  });
  const whole = {
    run_id: runId,
    dag,
    state,
    duration_ms: Math.round(durationMs),
    tasks: Object.fromEntries(all),
  };
  return JSON.stringify(whole);
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
