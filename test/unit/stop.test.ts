/** Stop means stop: an executor and workers on ports in memory, where commands get lost when a test says so. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ExecutorService } from "../../internal/executor/service.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Presence, WorkerCommand } from "../../internal/ports/presence.ts";
import { dag, task } from "../support/dags.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { memoryExecutor } from "../support/memory-executor.ts";
import { outcomesOf, TestWorker } from "../support/test-worker.ts";

let clock: ManualClock;
let cluster: MemoryCluster;
let service: ExecutorService;
let worker: TestWorker;
/** Commands that were given; those that `isLost` says are heard by nobody. */
let commands: WorkerCommand[];
let isLost: (command: WorkerCommand) => boolean;

beforeEach(async () => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock });
  commands = [];
  isLost = () => false;
  service = memoryExecutor(cluster, {
    presence: forgetful(cluster.presence),
    clock,
    observer: { observe: () => undefined },
  });
  worker = new TestWorker(cluster, clock);
  await service.start();
  await worker.worker.start();
  // Workers have had the time to say what they hold.
  await clock.advance(2_000);
});
afterEach(async () => {
  const stopping = Promise.all([service.stop(), worker.worker.stop()]);
  await clock.advance(30_000);
  await stopping;
});

function forgetful(presence: Presence): Presence {
  return {
    heartbeat: (beat) => presence.heartbeat(beat),
    took: (notice) => presence.took(notice),
    onCommand: (incarnation, handler) => presence.onCommand(incarnation, handler),
    watch: (handlers) => presence.watch(handlers),
    probe: (incarnation, timeoutMs) => presence.probe(incarnation, timeoutMs),
    server: () => presence.server(),
    command: (command, incarnation) => {
      commands.push(command);
      if (!isLost(command)) presence.command(command, incarnation);
    },
  };
}

/** Everything happens that does not wait for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await clock.advance(0);
}

/** A run of five tasks, of which the worker runs two. */
async function begin(): Promise<string> {
  const tasks = ["a", "b", "c", "d", "e"].map((id) => task(id, { type: "test" }));
  const { runId } = await service.submit({ dag: dag(tasks) });
  await settle();
  expect(worker.running).toHaveLength(2);
  return runId;
}

test("a cancel ends what runs and takes away what is queued, at once", async () => {
  const runId = await begin();
  expect(await service.cancel(runId)).toBe("accepted");
  await settle();
  expect(worker.running).toEqual([]);
  expect(worker.begun).toHaveLength(2);
  expect(await cluster.queue.list()).toEqual([]);
  expect(await outcomesOf(cluster, runId)).toMatchObject([
    { task: "a", error: { reason: "cancelled" } },
    { task: "b", error: { reason: "cancelled" } },
  ]);
});

test("what runs is told to end also while the queue cannot be cleared", async () => {
  const runId = await begin();
  cluster.queue.purge = () => new Promise(() => undefined);
  await service.cancel(runId);
  await settle();
  expect(worker.running).toEqual([]);
});

test("a worker that missed the command is told again within seconds, until it has heard", async () => {
  const runId = await begin();
  isLost = () => true;
  await service.cancel(runId);
  await clock.advance(3_500);
  expect(worker.running).toHaveLength(2);
  expect(commands.filter(({ kind }) => kind === "stop-attempt").length).toBeGreaterThanOrEqual(6);
  isLost = () => false;
  await clock.advance(1_000);
  expect(worker.running).toEqual([]);
  const told = commands.length;
  await clock.advance(5_000);
  expect(commands.slice(told)).toEqual([]);
});

test("a copy that a cancel overtook does not start", async () => {
  const runId = await begin();
  const [copy] = await cluster.queue.list();
  if (copy === undefined) throw new Error("nothing is queued");
  await service.cancel(runId);
  await settle();
  // As if it had been on its way.
  const { runSeq, partition } = { runSeq: 1, partition: 0 };
  await cluster.queue.enqueue({
    ...copy,
    task: "e",
    runSeq,
    partition,
    dagName: "test",
    tenantId: "t",
    type: "test",
    command: "",
    options: {},
    env: {},
    inputs: { inline: { run: { inline: {} }, own: {}, upstream: [] } },
  });
  await clock.advance(3_000);
  expect(worker.begun).toHaveLength(2);
  expect(await cluster.queue.list()).toEqual([]);
});

test("a run that was cancelled and is retried runs again, also on the worker that was told to stop it", async () => {
  const runId = await begin();
  await service.cancel(runId);
  await clock.advance(1_000);
  await service.retry(runId);
  await clock.advance(3_000);
  expect(worker.running).toHaveLength(2);
  for (let i = 0; i < 5; i++) {
    for (const key of worker.running) worker.finish(idOf(key));
    await clock.advance(1_000);
  }
  expect((await service.inspect(runId))?.state).toBe("completed");
});

function idOf(key: string): { runId: string; task: string; index: number; attempt: number } {
  const [runId = "", id = "", index, attempt] = key.split(".");
  return { runId, task: id, index: Number(index), attempt: Number(attempt) };
}
