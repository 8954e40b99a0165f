/** The executor's own decisions, on memory ports, where time passes when a test says so. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { LoggedFact } from "../../internal/core/facts.ts";
import { partitionOf } from "../../internal/core/hash.ts";
import type { ExecutorService } from "../../internal/executor/service.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Lease, LeaseBoard, Leases } from "../../internal/ports/lease.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type { Heartbeat, WorkerCommand } from "../../internal/ports/presence.ts";
import type { FollowOptions } from "../../internal/ports/run-log.ts";
import type { QueuedAttempt } from "../../internal/ports/task-queue.ts";
import { dag, task } from "../support/dags.ts";
import { completed } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { DEAD_MS, memoryExecutor } from "../support/memory-executor.ts";

const TERM_MS = 5_000;
const LOSS_CAP = 5;
const CHAIN = dag([task("a"), task("b", { dependsOn: ["a"] })]);

/** Leases whose answers a test can hold up or refuse; each is asked for on its own. */
class TestLeases implements Leases {
  readonly termMs = TERM_MS;
  readonly released: string[] = [];
  refuses = false;
  readonly #held = new Map<string, string>();
  #gate: Promise<void> = Promise.resolve();
  #open = (): void => undefined;

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }
  letGo(): void {
    this.#open();
  }

  named(name: string): Lease {
    return {
      termMs: TERM_MS,
      acquire: async (owner) => {
        if (!this.refuses) this.#held.set(name, owner);
        return !this.refuses;
      },
      renew: async () => {
        await this.#gate;
        if (this.refuses) this.#held.delete(name);
        return !this.refuses;
      },
      release: async () => {
        this.#held.delete(name);
        this.released.push(name);
      },
      holder: async () => undefined,
    };
  }

  async watch(): Promise<LeaseBoard> {
    return { holders: () => new Map(this.#held), stop: async () => undefined };
  }
}

let clock: ManualClock;
let cluster: MemoryCluster;
let leases: TestLeases;
let service: ExecutorService;
let seen: Observation[];

beforeEach(async () => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock });
  // What probes tell is in liveness.test.ts and overseer.test.ts; here silence alone decides.
  cluster.presence.probe = async () => ({ kind: "late" });
  leases = new TestLeases();
  seen = [];
  service = memoryExecutor(cluster, {
    clock,
    leases,
    lossCap: LOSS_CAP,
    observer: { observe: (observation) => void seen.push(observation) },
  });
  await service.start();
});
afterEach(async () => {
  const stopping = service.stop();
  await clock.advance(DEAD_MS);
  await stopping;
});

/** The lease is lost, and taken again. */
async function newLease(): Promise<void> {
  leases.refuses = true;
  await clock.advance(2_000);
  leases.refuses = false;
  await clock.advance(2_000);
}

async function queued(): Promise<string[]> {
  await clock.advance(0);
  return (await cluster.queue.list()).map(({ task: id, attempt }) => `${id}#${attempt}`);
}

async function end(runId: string, id: string, attempt = 1): Promise<void> {
  const [first] = await cluster.log.factsOf(runId);
  await cluster.log.append(first as LoggedFact, {
    kind: "outcomes",
    runSeq: first?.seq ?? 0,
    items: [completed(id, attempt)],
    queue: "default",
    incarnation: "w",
    n: attempt * 100 + id.charCodeAt(0),
  });
  await clock.advance(0);
}

function beat(incarnation: string, held: readonly AttemptId[] = []): Heartbeat {
  return {
    workerId: incarnation,
    incarnation,
    host: "h",
    pid: 1,
    queues: ["default"],
    functions: [],
    slots: 5,
    server: "memory",
    told: 0,
    blockedMs: 0,
    held: held.map((attempt) => ({
      ...attempt,
      queue: "default",
      partition: partitionOf(CHAIN.tenantId, CHAIN.name),
      heldMs: 0,
    })),
    time: 0,
    draining: false,
    goodbye: false,
  };
}

test("what became owed while the lease was too old to act on is queued when it is renewed after all", async () => {
  const { runId } = await service.submit({ dag: CHAIN });
  expect(await queued()).toEqual(["a#1"]);
  leases.hold();
  await clock.advance(2 * TERM_MS);
  await end(runId, "a");
  expect(await queued()).toEqual(["a#1"]);
  leases.letGo();
  await clock.advance(2_000);
  expect(await queued()).toContain("b#1");
});

test("an outcome of a run that was let go long ago is counted as void", async () => {
  const { runId } = await service.submit({ dag: dag([task("a")]) });
  await end(runId, "a");
  await clock.advance(1_000);
  await end(runId, "a", 2);
  const told = seen.filter(({ kind }) => kind === "outcome-void");
  expect(told).toMatchObject([{ runId, why: "run-over", outcome: { task: "a", attempt: 2 } }]);
});

test("an end that could not be announced then is announced when it is renewed", async () => {
  const { runId } = await service.submit({ dag: dag([task("a")]) });
  await clock.advance(0);
  leases.hold();
  await clock.advance(2 * TERM_MS);
  await end(runId, "a");
  const kinds = async (): Promise<string[]> =>
    (await cluster.log.factsOf(runId)).map(({ fact }) => fact.kind);
  expect(await kinds()).toEqual(["submitted", "outcomes"]);
  leases.letGo();
  await clock.advance(2_000);
  expect(await kinds()).toEqual(["submitted", "outcomes", "finished"]);
});

test("an attempt that vanished from the queue is queued again; one that a live worker holds is not", async () => {
  const { runId } = await service.submit({ dag: dag([task("lost"), task("held")]) });
  expect(await queued()).toEqual(["lost#1", "held#1"]);
  cluster.presence.heartbeat(beat("w", [{ runId, task: "held", index: 0, attempt: 1 }]));
  for (const copy of await cluster.queue.list()) await cluster.queue.remove(copy);
  expect(await queued()).toEqual([]);
  await clock.advance(20_000);
  expect(await queued()).toEqual(["lost#1"]);
});

test("a copy of an attempt that is over is taken out of the queue, once its ack had time to come", async () => {
  const { runId } = await service.submit({ dag: CHAIN });
  await clock.advance(0);
  await end(runId, "a");
  await clock.advance(15_000);
  expect(await queued()).toEqual(["a#1", "b#1"]);
  await clock.advance(15_000);
  expect(await queued()).toEqual(["b#1"]);
});

test("verdicts count after the lease was lost and taken again", async () => {
  const { runId } = await service.submit({ dag: dag([task("a")]) });
  await clock.advance(0);
  const dies = async (incarnation: string, attempt: number): Promise<void> => {
    cluster.presence.heartbeat(beat(incarnation, [{ runId, task: "a", index: 0, attempt }]));
    await clock.advance(DEAD_MS + 2_000);
  };
  await dies("first", 1);
  expect(await queued()).toContain("a#2");
  await newLease();
  await dies("second", 2);
  expect(await queued()).toContain("a#3");
});

test("a task that killed its workers has a letter before its run is finished, which an executor that takes over knows", async () => {
  const { runId } = await service.submit({ dag: dag([task("poison"), task("good")]) });
  await clock.advance(0);
  const putBefore: boolean[] = [];
  const { append } = cluster.log;
  cluster.log.append = async (run, fact) => {
    if (fact.kind === "finished") putBefore.push((await cluster.deadLetters.list(1)).length === 1);
    return append.call(cluster.log, run, fact);
  };
  for (let attempt = 1; attempt <= LOSS_CAP + 1; attempt++) {
    cluster.presence.heartbeat(beat(`w${attempt}`, [{ runId, task: "poison", index: 0, attempt }]));
    await clock.advance(DEAD_MS + 2_000);
  }
  const [head] = await cluster.deadLetters.list(9);
  expect(head).toMatchObject({ kind: "crashed", runId, task: "poison", losses: LOSS_CAP + 1 });
  expect(seen).toContainEqual({ kind: "task-crashed", runId, task: "poison", index: 0 });
  const { letter } = (await cluster.deadLetters.get(head?.id ?? "")) ?? {};
  expect(letter).toMatchObject({
    losses: Array.from({ length: LOSS_CAP + 1 }, (_, i) => ({ attempt: i + 1, worker: `w${i + 1}` })),
  });
  // Whoever goes on does not know whether it was written.
  if (head !== undefined) await cluster.deadLetters.remove(head);
  await newLease();
  expect(await cluster.deadLetters.list(9)).toMatchObject([{ kind: "crashed", task: "poison" }]);
  await end(runId, "good");
  await clock.advance(1_000);
  expect(putBefore).toEqual([true]);
});

test("the death of a worker ends nothing that another, who is alive, holds by now", async () => {
  const { runId } = await service.submit({ dag: dag([task("a")]) });
  await clock.advance(0);
  const attempt = { runId, task: "a", index: 0, attempt: 1 };
  cluster.presence.heartbeat(beat("frozen", [attempt]));
  await clock.advance(DEAD_MS - 5_000);
  cluster.presence.heartbeat(beat("alive", [attempt]));
  await clock.advance(10_000);
  expect(seen).toContainEqual(expect.objectContaining({ kind: "worker-dead", incarnation: "frozen" }));
  expect(await queued()).toEqual(["a#1"]);
  expect(service.look()?.held).toMatchObject([{ task: "a", workerId: "alive" }]);
});

test("it stops only after workers were told to stop what was cancelled, also when the queue refuses", async () => {
  const commands: WorkerCommand[] = [];
  await cluster.presence.onCommand("w", (command) => void commands.push(command));
  const { runId } = await service.submit({ dag: dag([task("a")]) });
  await clock.advance(0);
  cluster.presence.heartbeat(beat("w", [{ runId, task: "a", index: 0, attempt: 1 }]));
  await clock.advance(0);
  const removed: QueuedAttempt[] = [];
  cluster.queue.remove = async (attempt) => {
    removed.push(attempt);
    await clock.advance(0);
    throw new Error("no answer");
  };
  await service.cancel(runId);
  const stopping = service.stop();
  await clock.advance(0);
  await stopping;
  expect(removed).toHaveLength(1);
  expect(commands).toContainEqual({ kind: "stop-run", runId, gen: 0 });
});

test("a take-over that fails gives the lease up, and is tried again", async () => {
  const { follow } = cluster.log;
  cluster.log.follow = async () => Promise.reject(new Error("no such stream"));
  leases.refuses = true;
  await clock.advance(2_000);
  leases.refuses = false;
  await clock.advance(4_000);
  expect(leases.released.length).toBeGreaterThan(0);
  expect(service.look()).toBeUndefined();
  cluster.log.follow = follow;
  await clock.advance(2_000);
  expect(service.look()).toBeDefined();
});

test("after the log has lost its end all is replayed, and who waits for a run that went with it is told", async () => {
  const { follow } = cluster.log;
  const followers: FollowOptions[] = [];
  cluster.log.follow = async (options, onFact) => {
    followers.push(options);
    return follow.call(cluster.log, options, onFact);
  };
  await newLease();
  const gone = await service.submit({ dag: CHAIN });
  const kept = await service.submit({ dag: dag([task("a")], { name: "kept" }) });
  const lost = gone.result().catch((error: unknown) => String(error));
  await cluster.log.remove(await cluster.log.positionsOf(gone.runId));
  for (const { onRewound } of followers.splice(0)) onRewound?.();
  await clock.advance(4_000);
  expect(await lost).toContain(`run '${gone.runId}' is gone`);
  expect(service.look()).toBeDefined();
  await end(kept.runId, "a");
  expect(await kept.result()).toMatchObject({ state: "completed" });
});

test("a take-over that takes longer than the lease lasts keeps it", async () => {
  const { follow } = cluster.log;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  cluster.log.follow = async (options, onFact) => {
    await gate;
    return follow.call(cluster.log, options, onFact);
  };
  leases.refuses = true;
  await clock.advance(2_000);
  leases.refuses = false;
  const from = seen.length;
  await clock.advance(4 * TERM_MS);
  expect(seen.slice(from).filter(({ kind }) => kind === "lease-lost")).toEqual([]);
  open();
  const { runId } = await service.submit({ dag: CHAIN });
  expect(await queued()).toEqual(["a#1"]);
  await end(runId, "a");
  expect(await queued()).toContain("b#1");
});

test("what is called off before it is submitted never begins", async () => {
  const result = await service.execute({ dag: CHAIN }, { signal: AbortSignal.abort() });
  expect(result).toMatchObject({ state: "cancelled", tasks: { a: { attempts: 0 }, b: { attempts: 0 } } });
  expect(await queued()).toEqual([]);
  expect((await cluster.log.end()).seq).toBe(0);
});

test("an id that is none names no run", async () => {
  await service.submit({ dag: CHAIN });
  for (const id of ["*", ">", "", "a b", "../x"]) {
    expect(await service.inspect(id)).toBeUndefined();
    expect(await service.cancel(id)).toBe("unknown");
  }
});

test("a chosen id starts one run, also in different partitions at once", async () => {
  const names = Array.from({ length: 8 }, (_, i) => `dag-${i}`);
  const started = await Promise.allSettled(
    names.map((name) => service.submit({ dag: { ...CHAIN, name }, runId: "mine" })),
  );
  expect(started.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});
