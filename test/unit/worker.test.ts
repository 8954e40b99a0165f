/** A worker on ports in memory. */
import { expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Work } from "../../internal/core/attempt.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import type { Delivery, TaskQueue } from "../../internal/ports/task-queue.ts";
import type { TaskExecutor } from "../../internal/ports/task-executor.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import { loopLiveness } from "../../internal/worker/pulse.ts";
import { Worker } from "../../internal/worker/worker.ts";
import { WORK } from "../conformance/samples.ts";
import { until } from "../support/until.ts";

const inputs: Work["inputs"] = { inline: { run: { inline: {} }, own: {}, upstream: [] } };
const work = (task: string): Work => ({ ...WORK, task, type: "test", timeoutMs: 60_000, inputs });

/** A worker of two slots whose tasks go on until they are told to end. */
async function start({ queue }: { readonly queue?: TaskQueue } = {}): Promise<{
  cluster: MemoryCluster;
  worker: Worker;
  running: Set<string>;
  outcomes(): Promise<Outcome[]>;
}> {
  const cluster = new MemoryCluster({ clock: systemClock });
  const running = new Set<string>();
  const executor: TaskExecutor = {
    type: "test",
    execute: ({ task }, { signal }) =>
      new Promise((resolve) => {
        running.add(task);
        signal.addEventListener("abort", () => {
          running.delete(task);
          resolve({ ok: false, error: { reason: "cancelled", message: "ended" } });
        });
      }),
  };
  const worker = new Worker({
    log: cluster.log,
    queue: queue ?? cluster.queue,
    blobs: cluster.blobs,
    presence: cluster.presence,
    desk: cluster.desk,
    referee: cluster.referee,
    link: cluster.link,
    definitions: new StoredDefinitions(cluster.blobs),
    clock: systemClock,
    random: systemRandom,
    observer: { observe: () => undefined },
    registry: new TaskExecutorRegistry([executor]),
    workerId: "w",
    incarnation: "w-1",
    host: "host",
    pid: 1,
    queues: [WORK.queue],
    slots: 2,
    functions: () => [],
    taskTimeoutMs: 60_000,
    graceMs: 1_000,
    liveness: loopLiveness({
      presence: cluster.presence,
      queue: cluster.queue,
      clock: systemClock,
      heartbeatMs: 60_000,
      ackWaitMs: 60_000,
    }),
    shutdownTimeoutMs: 0,
    inlineLimit: 64 * 1_024,
  });
  await worker.start();
  const outcomes = async (): Promise<Outcome[]> =>
    (await cluster.log.factsOf(WORK.runId)).flatMap(({ fact }) =>
      fact.kind === "outcomes" ? fact.items : [],
    );
  return { cluster, worker, running, outcomes };
}

test("an attempt that is another's now is released, one of a run that was cancelled is cancelled", async () => {
  const { cluster, worker, running, outcomes } = await start();
  await cluster.queue.enqueue(work("others"));
  await cluster.queue.enqueue(work("cancelled"));
  await until(() => running.size === 2);
  cluster.presence.command({ kind: "stop-attempt", attempt: work("others") });
  await until(async () => (await outcomes()).length === 1);
  cluster.presence.command({ kind: "stop-run", runId: WORK.runId });
  await until(async () => (await outcomes()).length === 2);
  expect(await outcomes()).toMatchObject([
    { task: "others", state: "failed", error: { reason: "released" } },
    { task: "cancelled", state: "failed", error: { reason: "cancelled" } },
  ]);
  await worker.stop();
  expect(worker.leftBehind).toEqual([]);
});

test("a second copy of what it holds takes no place of another", async () => {
  let deliver = (_delivery: Delivery): void => undefined;
  let demand = 0;
  const open: TaskQueue["open"] = async (_queue, onDelivery) => {
    deliver = (delivery) => {
      demand--;
      onDelivery(delivery);
    };
    return { demand: (n) => void (demand = n), stop: async () => undefined };
  };
  const { running } = await start({ queue: { open, extend: () => undefined } as unknown as TaskQueue });
  const copy = { work: work("slow"), isSuspect: false, losses: 0, receipt: "1" } as unknown as Delivery;
  deliver(copy);
  await until(() => running.size === 1);
  expect(demand).toBe(1);
  deliver(copy);
  expect(demand).toBe(1);
});
