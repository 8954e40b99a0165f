/**
 * Who is dead, and what is lost with them? The overseer and the coordinator around it on memory ports, where time
 * passes when a test says so. Workers are what they tell and how they answer probes.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { ExecutorService } from "../../internal/executor/service.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type {
  Heartbeat,
  PresenceHandlers,
  ProbeAnswer,
  WorkerCommand,
} from "../../internal/ports/presence.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { HEARTBEAT } from "../conformance/samples.ts";
import { dag, task } from "../support/dags.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { DEAD_MS, memoryExecutor } from "../support/memory-executor.ts";

const HEARTBEAT_MS = 10_000;
const THERE: ProbeAnswer = { kind: "there", server: "memory" };
const GONE: ProbeAnswer = { kind: "gone" };
const LATE: ProbeAnswer = { kind: "late" };

let clock: ManualClock;
let cluster: MemoryCluster;
let service: ExecutorService;
let seen: Observation[];
let commands: { readonly command: WorkerCommand; readonly to: string | undefined }[];
let workers: Map<string, TestWorker>;
let watchers: PresenceHandlers[];
let connected: boolean;

/** Beats every 10 s and answers `report`, as long as it lives; what it holds is what a test says. */
class TestWorker {
  readonly incarnation: string;
  readonly deliveries: Delivery[] = [];
  answer: ProbeAnswer = THERE;
  held: AttemptId[] = [];
  more: Partial<Heartbeat> = {};
  #timer: { cancel(): void } | undefined;

  constructor(incarnation: string, more: Partial<Heartbeat> = {}) {
    this.incarnation = incarnation;
    this.more = more;
    workers.set(incarnation, this);
    this.beat();
  }

  beat(): void {
    this.#timer?.cancel();
    this.#timer = clock.after(HEARTBEAT_MS, () => this.beat());
    if (this.answer.kind !== "there") return;
    cluster.presence.heartbeat({
      ...HEARTBEAT,
      workerId: this.incarnation,
      incarnation: this.incarnation,
      host: this.incarnation,
      server: "memory",
      queues: ["default"],
      told: 0,
      blockedMs: 0,
      held: this.held.map((each) => ({ ...each, queue: "default", partition: 0, heldMs: 0 })),
      ...this.more,
    });
  }

  /** Pulls so many attempts from the queue and says nothing of it. */
  async pulls(n: number): Promise<void> {
    const intake = await cluster.queue.open("default", (delivery) => void this.deliveries.push(delivery));
    intake.demand(n);
    await clock.advance(0);
  }

  /** Says what it has pulled. */
  tells(): void {
    this.held = this.deliveries.map(({ work }) => work);
    this.beat();
  }
}

beforeEach(async () => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock, ackWaitMs: 600_000 });
  seen = [];
  commands = [];
  workers = new Map();
  watchers = [];
  connected = true;
  const { presence } = cluster;
  const { watch } = presence;
  presence.probe = async (incarnation) => workers.get(incarnation)?.answer ?? GONE;
  presence.server = () => (connected ? "memory" : undefined);
  presence.watch = async (handlers) => {
    watchers.push(handlers);
    return watch.call(presence, handlers);
  };
  presence.command = (command, to) => {
    commands.push({ command, to });
    if (command.kind !== "report") return;
    for (const worker of workers.values()) if (to === undefined || to === worker.incarnation) worker.beat();
  };
  service = memoryExecutor(cluster, {
    clock,
    observer: { observe: (observation) => void seen.push(observation) },
  });
  await service.start();
});
afterEach(async () => {
  const stopping = service.stop();
  await clock.advance(DEAD_MS);
  await stopping;
});

async function submit(...tasks: string[]): Promise<string> {
  const { runId } = await service.submit({ dag: dag(tasks.map((id) => task(id))) });
  await clock.advance(0);
  return runId;
}

async function outcomesOf(runId: string): Promise<Outcome[]> {
  await clock.advance(0);
  return (await cluster.log.factsOf(runId)).flatMap(({ fact }) =>
    fact.kind === "outcomes" ? fact.items : [],
  );
}

function deaths(): unknown[] {
  return seen.flatMap((each) => (each.kind === "worker-dead" ? [[each.workerId, each.sign]] : []));
}

const lost = (message: string): unknown =>
  expect.objectContaining({
    state: "failed",
    error: { reason: "lost", message: expect.stringContaining(message) },
  });

describe("a worker whose connection is gone", () => {
  test("is dead in about three seconds, and what it held is lost", async () => {
    const runId = await submit("a");
    const worker = new TestWorker("w");
    await worker.pulls(1);
    worker.tells();
    await clock.advance(5_000);
    worker.answer = GONE;
    await clock.advance(2_000);
    expect(deaths()).toEqual([]);
    await clock.advance(1_500);
    expect(deaths()).toEqual([["w", "connection-gone"]]);
    expect(await outcomesOf(runId)).toEqual([lost("worker 'w' is dead: its connection is gone")]);
    expect((await cluster.queue.list()).map(({ attempt }) => attempt)).toEqual([2]);
  });

  test("that is back in time lives", async () => {
    const worker = new TestWorker("w");
    await clock.advance(1_000);
    worker.answer = GONE;
    await clock.advance(2_000);
    worker.answer = THERE;
    await clock.advance(60_000);
    expect(deaths()).toEqual([]);
  });

  test("has its full term when several hosts went at once", async () => {
    const all = [new TestWorker("v"), new TestWorker("w")];
    await clock.advance(1_000);
    for (const worker of all) worker.answer = GONE;
    await clock.advance(25_000);
    expect(deaths()).toEqual([]);
    await clock.advance(10_000);
    expect(deaths()).toEqual([
      ["v", "silent"],
      ["w", "silent"],
    ]);
  });
});

describe("a worker that is slow or frozen", () => {
  test("has its full term, and is welcome when it comes back; what it still holds then it is told to stop", async () => {
    const runId = await submit("a");
    const worker = new TestWorker("w");
    await worker.pulls(1);
    worker.tells();
    await clock.advance(1_000);
    worker.answer = LATE;
    await clock.advance(DEAD_MS - 2_000);
    expect(deaths()).toEqual([]);
    await clock.advance(4_000);
    expect(deaths()).toEqual([["w", "silent"]]);
    expect(await outcomesOf(runId)).toEqual([lost("nothing heard of it for 30 s")]);
    worker.answer = THERE;
    worker.beat();
    await clock.advance(0);
    expect(seen.filter(({ kind }) => kind === "worker-joined")).toHaveLength(2);
    const stop = {
      command: { kind: "stop-attempt", attempt: { runId, task: "a", index: 0, attempt: 1 } },
      to: "w",
    };
    expect(commands).toContainEqual(stop);
    // It may not have heard.
    commands.length = 0;
    await clock.advance(1_000);
    expect(commands).toContainEqual(stop);
    worker.held = [];
    worker.beat();
    commands.length = 0;
    await clock.advance(2_000);
    expect(commands).toEqual([]);
    expect(service.look()?.held).toEqual([]);
  });

  test("is shown as blocked when its loop does not turn", async () => {
    const worker = new TestWorker("w", { blockedMs: 4_000 });
    await clock.advance(500);
    expect(seen).toContainEqual(expect.objectContaining({ kind: "worker-blocked", workerId: "w" }));
    expect(service.look()?.workers).toMatchObject([{ workerId: "w", blockedMs: 4_500 }]);
    worker.more = {};
    worker.beat();
    await clock.advance(0);
    expect(service.look()?.workers).toMatchObject([{ blockedMs: 0 }]);
  });
});

describe("nobody is judged by what we could not hear", () => {
  test("while we are disconnected, and until a worker was heard again after", async () => {
    const runId = await submit("a");
    const worker = new TestWorker("w");
    await worker.pulls(1);
    worker.tells();
    await clock.advance(1_000);
    connected = false;
    worker.answer = GONE;
    await clock.advance(2 * DEAD_MS);
    connected = true;
    for (const watcher of watchers) watcher.reconnected();
    await clock.advance(DEAD_MS - 5_000);
    expect(deaths()).toEqual([]);
    worker.answer = THERE;
    worker.beat();
    await clock.advance(60_000);
    expect(deaths()).toEqual([]);
    expect(await outcomesOf(runId)).toEqual([]);
  });

  test("a verdict that could not be written before we were cut off is judged again", async () => {
    const runId = await submit("a");
    const worker = new TestWorker("w");
    await worker.pulls(1);
    worker.tells();
    await clock.advance(1_000);
    const { append } = cluster.log;
    let tries = 0;
    let send = (): void => undefined;
    cluster.log.append = async (run, fact, options) => {
      tries++;
      await new Promise<void>((resolve) => (send = resolve));
      return append.call(cluster.log, run, fact, options);
    };
    worker.answer = GONE;
    await clock.advance(4_000);
    expect([deaths(), tries]).toEqual([[["w", "connection-gone"]], 1]);
    for (const watcher of watchers) watcher.reconnected();
    cluster.log.append = append;
    send();
    expect(await outcomesOf(runId)).toEqual([]);
    // It lives after all, and says so; its attempt is its own.
    worker.answer = THERE;
    worker.beat();
    await clock.advance(60_000);
    expect(await outcomesOf(runId)).toEqual([]);
    expect(service.look()?.held).toMatchObject([{ task: "a", workerId: "w" }]);
  });
});

describe("what a dead worker had pulled and could not say any more", () => {
  test("is lost, when nobody alive has it; what waits is not", async () => {
    const runId = await submit("a", "b", "c");
    const [dead, live] = [new TestWorker("dead"), new TestWorker("live")];
    await clock.advance(1_000);
    await dead.pulls(1);
    await live.pulls(1);
    dead.answer = GONE;
    live.tells();
    await clock.advance(6_000);
    expect(deaths()).toEqual([["dead", "connection-gone"]]);
    expect(await outcomesOf(runId)).toEqual([lost("no live worker has it; worker 'dead' is dead")]);
    const queued = (await cluster.queue.list()).map((each) => `${each.task}#${each.attempt}`).toSorted();
    expect(queued).toEqual(["a#2", "b#1", "c#1"]);
  });

  test("is not told apart from what a live worker has, before its loop turns", async () => {
    const runId = await submit("a");
    const [dead, live] = [new TestWorker("dead"), new TestWorker("live")];
    await clock.advance(1_000);
    await live.pulls(1);
    live.more = { blockedMs: 2_000 };
    dead.answer = GONE;
    await clock.advance(20_000);
    expect(deaths()).toEqual([["dead", "connection-gone"]]);
    expect(await outcomesOf(runId)).toEqual([]);
    live.more = {};
    live.tells();
    await clock.advance(20_000);
    expect(await outcomesOf(runId)).toEqual([]);
  });

  test("is not what was given back", async () => {
    const runId = await submit("a");
    const [dead, other] = [new TestWorker("dead"), new TestWorker("other")];
    await clock.advance(1_000);
    await other.pulls(1);
    other.tells();
    await clock.advance(0);
    other.held = [];
    other.beat();
    await clock.advance(0);
    dead.answer = GONE;
    await clock.advance(20_000);
    expect(deaths()).toEqual([["dead", "connection-gone"]]);
    expect(await outcomesOf(runId)).toEqual([]);
  });

  test("is not what came after its death, or is of a queue that it did not serve", async () => {
    const dead = new TestWorker("dead", { queues: ["gpu"] });
    const runId = await submit("a");
    const live = new TestWorker("live");
    await clock.advance(1_000);
    dead.answer = GONE;
    await live.pulls(2);
    await clock.advance(10_000);
    expect(deaths()).toEqual([["dead", "connection-gone"]]);
    const later = await submit("b");
    await clock.advance(10_000);
    expect([await outcomesOf(runId), await outcomesOf(later)]).toEqual([[], []]);
  });
});
