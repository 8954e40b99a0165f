/** A worker on ports in memory. */
import { expect, test } from "vitest";
import type { Work } from "../../internal/core/attempt.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { systemClock } from "../../internal/memory/system.ts";
import type { Delivery, TaskQueue } from "../../internal/ports/task-queue.ts";
import { WORK } from "../conformance/samples.ts";
import { outcomesOf, TestWorker } from "../support/test-worker.ts";
import { until } from "../support/until.ts";

const inputs: Work["inputs"] = { inline: { run: { inline: {} }, own: {}, upstream: [] } };
const work = (task: string): Work => ({ ...WORK, task, type: "test", timeoutMs: 60_000, inputs });

test("an attempt that is another's now is released, one of a run that was cancelled is cancelled", async () => {
  const cluster = new MemoryCluster({ clock: systemClock });
  const { worker, ...own } = new TestWorker(cluster, systemClock);
  await worker.start();
  await cluster.queue.enqueue(work("others"));
  await cluster.queue.enqueue(work("cancelled"));
  await until(() => own.begun.length === 2);
  const outcomes = (): ReturnType<typeof outcomesOf> => outcomesOf(cluster, WORK.runId);
  cluster.presence.command({ kind: "stop-attempt", attempt: work("others") });
  await until(async () => (await outcomes()).length === 1);
  cluster.presence.command({ kind: "stop-run", runId: WORK.runId, gen: 0 });
  await until(async () => (await outcomes()).length === 2);
  expect(await outcomes()).toMatchObject([
    { task: "others", state: "failed", error: { reason: "released" } },
    { task: "cancelled", state: "failed", error: { reason: "cancelled" } },
  ]);
  await worker.stop();
  expect(worker.leftBehind).toEqual([]);
});

test("a stop of a run that was held up leaves the attempts alone that a retry has begun since", async () => {
  const cluster = new MemoryCluster({ clock: systemClock });
  const { worker, ...own } = new TestWorker(cluster, systemClock);
  await worker.start();
  await cluster.queue.enqueue(work("before"));
  await cluster.queue.enqueue({ ...work("again"), gen: 1 });
  await until(() => own.begun.length === 2);
  cluster.presence.command({ kind: "stop-run", runId: WORK.runId, gen: 0 });
  await until(async () => (await outcomesOf(cluster, WORK.runId)).length > 0);
  cluster.presence.command({ kind: "stop-attempt", attempt: work("again") });
  await until(async () => (await outcomesOf(cluster, WORK.runId)).length === 2);
  expect(await outcomesOf(cluster, WORK.runId)).toMatchObject([
    { task: "before", error: { reason: "cancelled" } },
    { task: "again", error: { reason: "released" } },
  ]);
  await worker.stop();
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
  const queue = { open, extend: () => undefined } as unknown as TaskQueue;
  const own = new TestWorker(new MemoryCluster({ clock: systemClock }), systemClock, { queue });
  await own.worker.start();
  const copy = { work: work("slow"), isSuspect: false, losses: 0, receipt: "1" } as unknown as Delivery;
  deliver(copy);
  await until(() => own.running.length === 1);
  expect(demand).toBe(1);
  deliver(copy);
  expect(demand).toBe(1);
});
