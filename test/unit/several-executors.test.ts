/** Several executors on one cluster in memory, where time passes when a test says so. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { partitionOf, SHARES, shareOf } from "../../internal/core/hash.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { ExecutorService, ServiceOptions } from "../../internal/executor/service.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Lease, Leases } from "../../internal/ports/lease.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { dag, task } from "../support/dags.ts";
import { completed } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { memoryExecutor } from "../support/memory-executor.ts";
import { overriding } from "../support/overriding.ts";

const TERM_MS = 3_000;
/** What follows the end of a term: everybody looks around at least so often. */
const LOOK_MS = 300;

let clock: ManualClock;
let cluster: MemoryCluster;
let executors: TestExecutor[];

beforeEach(() => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock, leaseTermMs: TERM_MS });
  cluster.presence.probe = async () => ({ kind: "late" });
  executors = [];
});
afterEach(async () => {
  for (const executor of executors) executor.leases.letGo();
  const stopping = Promise.all(executors.map(({ service }) => service.stop()));
  await clock.advance(30_000);
  await stopping;
});

/** Leases that have no answer for a while, as for a process that stands still or is cut off. */
class SlowLeases implements Leases {
  readonly termMs = TERM_MS;
  #gate: Promise<void> = Promise.resolve();
  #open = (): void => undefined;

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }
  letGo(): void {
    this.#open();
  }

  named(name: string): Lease {
    const lease = cluster.leases.named(name);
    const slow = (verb: "acquire" | "renew") => async (owner: string) => {
      await this.#gate;
      return lease[verb](owner);
    };
    return { ...lease, acquire: slow("acquire"), renew: slow("renew") };
  }
  watch(onChange: () => void): ReturnType<Leases["watch"]> {
    return cluster.leases.watch(onChange);
  }
}

interface TestExecutor {
  readonly service: ExecutorService;
  readonly seen: Observation[];
  readonly leases: SlowLeases;
  /** What it has put into the queue. */
  readonly put: string[];
}

async function start(more: Partial<ServiceOptions> = {}): Promise<TestExecutor> {
  const name = `executor-${executors.length}`;
  let ids = 0;
  const [seen, put, leases]: [Observation[], string[], SlowLeases] = [[], [], new SlowLeases()];
  const queue = overriding(cluster.queue, {
    enqueue: async (work, isWanted) => {
      const answer = await cluster.queue.enqueue(work, isWanted);
      if (answer.stored) put.push(`${work.task}#${work.attempt}`);
      return answer;
    },
  });
  const service = memoryExecutor(cluster, {
    clock,
    queue,
    leases,
    random: { id: () => (ids++ === 0 ? name : `${name}-${ids}`) },
    observer: { observe: (observation) => void seen.push(observation) },
    ...more,
  });
  const executor = { service, seen, put, leases };
  executors.push(executor);
  await service.start();
  await clock.advance(LOOK_MS);
  return executor;
}

function sharesOf({ service }: TestExecutor): readonly number[] {
  return service.own()?.shares ?? [];
}
function counts(): number[] {
  return executors.map((executor) => sharesOf(executor).length);
}

/** A DAG whose runs lie in one of these shares. */
function dagIn(shares: readonly number[], tasks = [task("a"), task("b", { dependsOn: ["a"] })]): Dag {
  for (let i = 0; ; i++) {
    const found = dag(tasks, { name: `dag-${i}` });
    if (shares.includes(shareOf(partitionOf(found.tenantId, found.name)))) return found;
  }
}

async function end(runId: string, id: string): Promise<void> {
  const [first] = await cluster.log.factsOf(runId);
  if (first === undefined) throw new Error("no such run");
  const outcome = { runSeq: first.seq, items: [completed(id)], queue: "default", incarnation: "w" };
  await cluster.log.append(first, { kind: "outcomes", ...outcome, n: id.charCodeAt(0) });
  for (const copy of await cluster.queue.list()) if (copy.task === id) await cluster.queue.remove(copy);
  await clock.advance(0);
}

test("executors divide the shares, and again when one stops: within a second, with no run held up", async () => {
  const [a, b, c] = [await start(), await start(), await start()];
  await clock.advance(1_000);
  expect(counts().toSorted((one, other) => one - other)).toEqual([5, 5, 6]);
  expect(new Set([a, b, c].flatMap(sharesOf)).size).toBe(SHARES);
  const { runId } = await b.service.submit({ dag: dagIn(sharesOf(a)) });
  await clock.advance(0);
  expect(a.put).toEqual(["a#1"]);
  const stopping = a.service.stop();
  await clock.advance(1_000);
  await stopping;
  expect(counts()).toEqual([0, 8, 8]);
  await end(runId, "a");
  expect([b, c].flatMap(({ put }) => put)).toEqual(["b#1"]);
});

test("what is under way is finished before a share is given up: an enqueue without an answer yet", async () => {
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const slow = overriding(cluster.queue, {
    enqueue: async (work, isWanted) => {
      const stored = await cluster.queue.enqueue(work, isWanted);
      await answered;
      return stored;
    },
  });
  const a = await start({ queue: slow });
  const { runId } = await a.service.submit({ dag: dagIn([SHARES - 1]) });
  await clock.advance(0);
  const b = await start();
  await clock.advance(1_000);
  // One waits for its enqueue; the others need not.
  expect(sharesOf(b)).not.toContain(SHARES - 1);
  answer();
  await clock.advance(1_000);
  expect(counts()).toEqual([8, 8]);
  expect(sharesOf(b)).toContain(SHARES - 1);
  expect((await cluster.queue.list()).map((copy) => `${copy.task}#${copy.attempt}`)).toEqual(["a#1"]);
  await end(runId, "a");
  expect((await cluster.queue.list()).map((copy) => copy.task)).toEqual(["b"]);
  expect(b.put).toEqual(["b#1"]);
});

test("an executor that vanished is replaced after its term; one that comes back late has no effect", async () => {
  const [a, b] = [await start(), await start()];
  await clock.advance(1_000);
  const { runId } = await a.service.submit({ dag: dagIn(sharesOf(a)) });
  await clock.advance(0);
  expect(a.put).toEqual(["a#1"]);
  a.leases.hold();
  await clock.advance(TERM_MS);
  // Nobody drives it for a moment: the one may not any more, the other not yet.
  await end(runId, "a");
  expect(a.put).toEqual(["a#1"]);
  await clock.advance(LOOK_MS);
  expect(sharesOf(b)).toHaveLength(SHARES);
  expect(b.put).toEqual(["b#1"]);
  const before = (await cluster.log.end()).seq;
  a.leases.letGo();
  await clock.advance(0);
  expect(a.put).toEqual(["a#1"]);
  expect((await cluster.log.end()).seq).toBe(before);
  // It is one of them again, and each has half.
  await clock.advance(2_000);
  expect(counts()).toEqual([8, 8]);
  expect(a.seen.map(({ kind }) => kind)).toContain("lease-lost");
});

test("who waits for a run is told its end, wherever its share goes", async () => {
  const a = await start();
  const all = await Promise.all(
    Array.from({ length: SHARES }, async (_, share) => a.service.submit({ dag: dagIn([share]) })),
  );
  const b = await start();
  await clock.advance(1_000);
  expect(counts()).toEqual([8, 8]);
  const mine = await b.service.submit({ dag: dagIn(sharesOf(a)) });
  for (const { runId } of [...all, mine]) {
    await end(runId, "a");
    await end(runId, "b");
  }
  await clock.advance(0);
  const results = await Promise.all([...all, mine].map((handle) => handle.result()));
  expect(results.every(({ state }) => state === "completed")).toBe(true);
  const finished = a.seen.filter((each) => each.kind === "run-finished").map((each) => each.runId);
  expect(finished.toSorted()).toEqual([...all, mine].map(({ runId }) => runId).toSorted());
});

test("who stands in takes no share from a service, and all of them when there is none any more", async () => {
  const guest = await start({ standsIn: true });
  expect(sharesOf(guest)).toHaveLength(SHARES);
  expect(guest.service.role).toBe("leads");
  const service = await start();
  await clock.advance(2_000);
  expect([sharesOf(guest).length, sharesOf(service).length]).toEqual([0, SHARES]);
  const late = await start({ standsIn: true });
  await clock.advance(2 * TERM_MS);
  expect(sharesOf(late)).toEqual([]);
  expect(late.service.role).toBe("stands by");
  expect(late.service.look()).toMatchObject({ executors: ["executor-1"] });
  const stopping = service.service.stop();
  await clock.advance(LOOK_MS);
  await stopping;
  expect(sharesOf(guest).length + sharesOf(late).length).toBe(SHARES);
});

test("a share that its executor cannot take over goes to another, and stays there", async () => {
  await start();
  const log = overriding(cluster.log, { follow: async () => Promise.reject(new Error("no such stream")) });
  await start({ log });
  await clock.advance(60_000);
  for (let seconds = 0; seconds < 20; seconds++) {
    expect(counts()).toEqual([SHARES, 0]);
    await clock.advance(1_000);
  }
});

test("nothing of another's is taken out of the queue or out of a worker's hands", async () => {
  const [a, b] = [await start(), await start()];
  await clock.advance(1_000);
  const stopped: string[] = [];
  await cluster.presence.onCommand("w-1", (command) => {
    if (command.kind !== "report") stopped.push(command.kind);
  });
  const runs = await Promise.all(
    [a, b].map((each) => each.service.submit({ dag: dagIn(sharesOf(each), [task("a"), task("b")]) })),
  );
  await clock.advance(0);
  const copies = await cluster.queue.list();
  const held = await Promise.all(
    copies.map(async (copy) => ({
      ...copy,
      partition: (await cluster.log.partitionOf(copy.runId)) ?? -1,
      heldMs: 0,
    })),
  );
  const rest = { host: "h", pid: 1, functions: [], blockedMs: 0, told: 0, time: 0 };
  for (let beats = 0; beats < 10; beats++) {
    cluster.presence.heartbeat({
      ...rest,
      ...{ workerId: "w", incarnation: "w-1", server: "memory", queues: ["default"], slots: 4, held },
      ...{ draining: false, goodbye: false },
    });
    await clock.advance(10_000);
  }
  expect(await cluster.queue.list()).toEqual(copies);
  expect(stopped).toEqual([]);
  // Each knows the worker, and of what it holds only what is its own.
  expect(a.service.own()).toMatchObject({ workers: [{ active: 2 }], held: [{}, {}], activeRuns: 1 });
  expect(a.service.look()).toMatchObject({ workers: [{ active: 4 }], activeRuns: 2 });
  expect(a.service.look()?.held).toHaveLength(4);
  expect(a.service.getStatus()).toMatchObject({ activeTasks: 4, workerCount: 1, queueDepth: 0 });
  expect(runs).toHaveLength(2);
});

test("a copy of a run that was over before its share was taken over is taken out, also of one let go", async () => {
  const [a, b] = [await start(), await start()];
  await clock.advance(1_000);
  const { runId } = await a.service.submit({ dag: dagIn(sharesOf(a), [task("a")]) });
  await clock.advance(0);
  const [copy] = await cluster.queue.list();
  await end(runId, "a");
  await clock.advance(0);
  expect(await cluster.queue.list()).toEqual([]);
  const [first] = await cluster.log.factsOf(runId);
  // As a write that was on its way for long would leave it.
  const work = { type: "function", command: "echo", options: {}, env: {}, dagName: "d", tenantId: "t" };
  const about = {
    runSeq: first?.seq ?? 0,
    partition: first?.partition ?? 0,
    inputs: { inline: {} as never },
  };
  if (copy !== undefined) await cluster.queue.enqueue({ ...copy, ...work, ...about });
  await clock.advance(14_000);
  expect(await cluster.queue.list()).toHaveLength(1);
  await clock.advance(32_000);
  expect(await cluster.queue.list()).toEqual([]);
  expect([a, b].flatMap(({ seen }) => seen).filter(({ kind }) => kind === "trouble")).toEqual([]);
});

test("what was enqueued in time and came to the queue after another had taken over is not just run", async () => {
  let arrive = (): void => undefined;
  const way = new Promise<void>((resolve) => (arrive = resolve));
  const slow = await start({
    queue: overriding(cluster.queue, { enqueue: (work) => way.then(() => cluster.queue.enqueue(work)) }),
  });
  const other = await start();
  await clock.advance(TERM_MS);
  const [share = 0] = sharesOf(slow);
  slow.leases.hold();
  await slow.service.submit({ dag: dagIn([share], [task("a")]) });
  await clock.advance(TERM_MS + LOOK_MS);
  expect(sharesOf(other)).toContain(share);
  const [copy] = await cluster.queue.list();
  if (copy !== undefined) await cluster.queue.remove(copy);
  const delivered: Delivery[] = [];
  const intake = await cluster.queue.open("default", (delivery) => void delivered.push(delivery));
  intake.demand(1);
  arrive();
  await clock.advance(LOOK_MS);
  expect(delivered.map(({ isSuspect, work }) => [work.task, work.mayBeHeld, isSuspect])).toEqual([
    ["a", undefined, true],
  ]);
});
