/** `dag status RUN`, `dag cancel RUN`, `dag workers` */
import type { Settings } from "../../internal/config/load.ts";
import { explainRun } from "../../internal/executor/explain.ts";
import { cancelRun, inspectRun } from "../../internal/executor/inspection.ts";
import { systemClock } from "../../internal/memory/system.ts";
import type { ClusterView, WorkerView } from "../../internal/core/cluster-view.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { messageLines } from "../../internal/telemetry/failures.ts";
import { taskTable } from "../../internal/telemetry/task-table.ts";
import { coloured, shortDuration, table } from "../../internal/telemetry/text.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { noticesOf } from "./explain-text.ts";
import { runJson, workerJson } from "./json.ts";
import { UsageError } from "./usage-error.ts";

const ASK_MS = 1_000;

interface Flags {
  readonly json: boolean;
}

export async function status({ json }: Flags, settings: Settings, runId: string): Promise<number> {
  let waitsFor: string[] = [];
  const result = await withCluster(settings, async (cluster) => {
    const view = await cluster.desk.ask(ASK_MS);
    const found = await inspectRun(runId, { ...cluster, clock: systemClock, view });
    if (found?.state !== "running") return found;
    const explained = await explainRun(runId, { ...cluster, view });
    waitsFor = explained === undefined ? [] : noticesOf({ ...explained, view });
    return found;
  });
  if (result === undefined) throw unknownRun(runId);
  if (json) {
    process.stdout.write(`${runJson(result)}\n`);
    return 0;
  }
  const { dag, state, durationMs, tasks } = result;
  const lines = [
    `${dag}  ${coloured(state)}  ${shortDuration(durationMs)}  (run ${runId})`,
    ...taskTable(Object.entries(tasks), lineWidth()),
    ...(result.message === undefined ? [] : [`  ${result.message}`]),
    ...messageLines(Object.entries(tasks)).map((line) => `  ${line}`),
    ...waitsFor.map((notice) => `  ${notice}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

export async function cancel({ json }: Flags, settings: Settings, runId: string): Promise<number> {
  const answer = await withCluster(settings, (cluster) => cancelRun(runId, cluster));
  if (answer === "unknown") throw unknownRun(runId);
  if (json) process.stdout.write(`${JSON.stringify({ run_id: runId, answer })}\n`);
  else
    process.stdout.write(
      answer === "accepted" ? `run ${runId} is cancelled\n` : `run ${runId} had ended already\n`,
    );
  return answer === "accepted" ? 0 : 1;
}

export async function workers({ json }: Flags, settings: Settings): Promise<number> {
  const view = await withCluster(settings, askExecutor);
  if (json) {
    for (const worker of view.workers) process.stdout.write(`${workerJson(worker)}\n`);
    return 0;
  }
  if (view.workers.length === 0) {
    process.stdout.write("no live worker: start one with `worker --nats …`\n");
    return 0;
  }
  const rows = view.workers.map((worker) => [
    worker.workerId,
    worker.host,
    worker.queues.join(","),
    `${worker.active}/${worker.slots}`,
    stateOf(worker),
    `${shortDuration(worker.silentMs)} ago`,
  ]);
  const head = ["WORKER", "HOST", "QUEUES", "BUSY", "STATE", "HEARD"];
  const reasons = new Set(view.workers.flatMap(({ waits }) => waits ?? []));
  const notices = [...reasons].map((why) => `! outcomes wait to be stored: ${why}`);
  process.stdout.write(`${[...table([head, ...rows], { width: lineWidth() }), ...notices].join("\n")}\n`);
  return 0;
}

function stateOf({ draining, blockedMs, waits }: WorkerView): string {
  const state = draining ? "draining" : waits === undefined ? "live" : "live, waits";
  return blockedMs === 0 ? state : `${state}, blocked for ${shortDuration(blockedMs)}`;
}

/** Rejects with `UsageError` when none is there. */
export async function askExecutor({ desk }: Pick<OpenCluster, "desk">): Promise<ClusterView> {
  const view = await desk.ask(ASK_MS);
  if (view !== undefined) return view;
  throw new UsageError("no executor answers: start one with `executor --nats …`, it knows who does what");
}

export function unknownRun(runId: string): UsageError {
  return new UsageError(`run '${runId}' is not known here: check the id, the address and --namespace`);
}
