/** Whatever a task waits for has a name. */
import { describe, expect, test } from "vitest";
import type { ClusterView, QueueView, WorkerView } from "../../internal/core/cluster-view.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { obstaclesOf, type Surroundings, type Wait, waitsOf } from "../../internal/core/waiting.ts";
import { groupWaits, obstacleText, waitSentence } from "../../internal/telemetry/waiting-text.ts";
import { dag, task } from "../support/dags.ts";
import { completed, failed, failedWith, START, TestRun } from "../support/facts.ts";

const SHARE = 0;
const WORKER: WorkerView = {
  workerId: "w",
  host: "h",
  pid: 1,
  queues: ["default"],
  functions: [],
  slots: 2,
  active: 0,
  draining: false,
  blockedMs: 0,
  silentMs: 1,
};
const QUEUE: QueueView = { queue: "default", depth: 1, queued: 1, window: 100, running: 0, workers: 1 };
const VIEW: ClusterView = {
  executors: ["e"],
  shares: [SHARE],
  workers: [WORKER],
  held: [],
  queues: [QUEUE],
  activeRuns: 1,
};

function around(more: Partial<Surroundings> = {}): Surroundings {
  const nothing = { queued: new Set<string>(), queues: new Map(), messages: new Map() };
  return { now: START + 1_000, view: VIEW, ...nothing, ...more };
}

/** By task id. */
function waits(run: RunFold, surroundings: Surroundings): Record<string, Wait> {
  const found = [...waitsOf(run, surroundings)];
  return Object.fromEntries(found.map(([position, wait]) => [run.task(position).id, wait]));
}

function sentences(run: RunFold, surroundings: Surroundings): Record<string, string> {
  const found = waitsOf(run, surroundings);
  return Object.fromEntries(
    [...found].map(([position, wait]) => [run.task(position).id, waitSentence(wait, { run, waits: found })]),
  );
}

const one = (): RunFold => new TestRun(dag([task("a")])).fold;
const A1 = "run.a.0.1";

describe("an owed attempt", () => {
  test.each<[string, Partial<Surroundings>, object]>([
    [
      "runs where a worker holds it",
      { view: { ...VIEW, held: [held("a", 1)] } },
      { kind: "running", worker: "w", sinceMs: 50, timeoutMs: 60_000 },
    ],
    ["waits for an executor when none answers", { view: undefined }, { kind: "no-executor" }],
    [
      "waits for one when nobody drives its share",
      { view: { ...VIEW, shares: [7] } },
      { kind: "no-executor" },
    ],
    [
      "waits for room at the server",
      { view: { ...VIEW, waits: "the server is full" } },
      { kind: "server", why: "the server is full" },
    ],
    [
      "waits for a worker of its queue",
      { view: { ...VIEW, workers: [{ ...WORKER, queues: ["gpu"] }] } },
      { kind: "no-worker", queue: "default", types: ["function"], others: true },
    ],
    [
      "does not count on a worker that drains",
      { view: { ...VIEW, workers: [{ ...WORKER, draining: true }] } },
      { kind: "no-worker", queue: "default" },
    ],
    [
      "waits for workers that cannot store",
      { queued: new Set([A1]), view: { ...VIEW, workers: [{ ...WORKER, waits: "the server is full" }] } },
      { kind: "workers-held-up", why: "the server is full" },
    ],
    [
      "waits for its turn in the queue",
      { queued: new Set([A1]), queues: new Map([["default", { waiting: 12, inFlight: 2, limit: 100 }]]) },
      { kind: "queued", waiting: 12, inFlight: 2 },
    ],
    [
      "waits for the limit of its queue",
      { queued: new Set([A1]), queues: new Map([["default", { waiting: 3, inFlight: 2, limit: 2 }]]) },
      { kind: "queue-limit", limit: 2, waiting: 3 },
    ],
    ["is in the queue, executor or not", { queued: new Set([A1]), view: undefined }, { kind: "queued" }],
    [
      "waits for a place in the queue",
      { view: { ...VIEW, queues: [{ ...QUEUE, depth: 1_000, queued: 64, window: 64 }] } },
      { kind: "window", window: 64, before: 936 },
    ],
    ["waits for nothing but its executor's next step", {}, { kind: "turn" }],
  ])("%s", (_name, more, wait) => {
    expect(waits(one(), around(more)).a).toMatchObject(wait);
  });

  test("waits for others of its run", () => {
    const run = new TestRun(dag([task("a"), task("b")], { maxParallel: 1 })).fold;
    expect(waits(run, around({ queued: new Set([A1]) }))).toMatchObject({
      a: { kind: "queued" },
      b: { kind: "max-parallel", limit: 1 },
    });
  });

  test("waits for its back-off", () => {
    const retry = { backoff: "fixed", initialMs: 5_000, factor: 1, maxMs: 60_000, jitter: 0 } as const;
    const run = new TestRun(dag([task("a", { retries: 1, retry })]));
    run.outcomes(failed("a"));
    const until = START + 10 + 5_000;
    expect(waits(run.fold, around()).a).toEqual({ kind: "back-off", until, forMs: 4_010 });
    expect(waits(run.fold, around({ now: until })).a).toEqual({ kind: "turn" });
  });

  test("looks again later, and says what the last look found; a failure after it is one", () => {
    const run = new TestRun(dag([task("a", { retries: 1 })]));
    const look = { reason: "not-yet", message: "no file yet" } as const;
    run.outcomes(failedWith("a", 1, { ...look, againAfterMs: 5_000 }));
    const messages = new Map([[0, "no file\nyet"]]);
    expect(waits(run.fold, around({ messages })).a).toEqual({
      kind: "looking",
      until: START + 10 + 5_000,
      forMs: 4_010,
      found: "no file\nyet",
    });
    expect(sentences(run.fold, around({ messages })).a).toBe("looking again in 4.0s: no file yet");
    run.outcomes(failedWith("a", 2, { againAfterMs: 9_000 }));
    expect(waits(run.fold, around()).a).toMatchObject({ kind: "back-off" });
  });
});

test("what is not owed waits for those upstream that are not finished, and says how they are", () => {
  const run = new TestRun(
    dag([
      task("done"),
      task("runs"),
      task("gpu", { queue: "gpu" }),
      task("z", { dependsOn: ["done", "runs", "gpu"] }),
    ]),
  );
  run.outcomes(completed("done"));
  const surroundings = around({ view: { ...VIEW, held: [held("runs", 1)] } });
  expect(sentences(run.fold, surroundings)).toMatchObject({
    runs: "running on w for 50ms of 1m00s at most",
    gpu: "queue 'gpu' is waiting for a worker: start one with --queues gpu",
    z: "waiting for upstream tasks: runs (running), gpu (without a worker)",
  });
});

test("nothing waits in a run that has ended", () => {
  const run = new TestRun(dag([task("a")]));
  run.outcomes(completed("a"));
  expect(waitsOf(run.fold, around()).size).toBe(0);
});

test("ten thousand tasks are as many lines as there are reasons", () => {
  const run = new TestRun(
    dag([
      task("first"),
      ...Array.from({ length: 5_000 }, (_, i) => task(`a${i}`)),
      ...Array.from({ length: 5_000 }, (_, i) => task(`b${i}`, { dependsOn: ["first"] })),
    ]),
  ).fold;
  const view = {
    ...VIEW,
    held: [held("first", 1)],
    queues: [{ ...QUEUE, depth: 5_001, queued: 64, window: 64 }],
  };
  const groups = groupWaits(waitsOf(run, around({ view })));
  expect(groups.map(({ kind, instances }) => [kind, instances.length])).toEqual([
    ["running", 1],
    ["window", 5_000],
    ["upstream", 5_000],
  ]);
});

test("what keeps a queue from moving is told once, whatever waits in it", () => {
  const [a, b, gpu] = [task("a"), task("b"), task("gpu", { queue: "gpu" })];
  expect(obstaclesOf(undefined, [a])).toEqual([{ kind: "no-executor" }]);
  expect(obstaclesOf({ ...VIEW, waits: "full", workers: [] }, [a, gpu, b])).toEqual([
    { kind: "server", why: "full" },
    { kind: "no-worker", queue: "default", types: ["function"], others: false },
    { kind: "no-worker", queue: "gpu", types: ["function"], others: false },
  ]);
  expect(obstaclesOf({ ...VIEW, workers: [{ ...WORKER, queues: ["*"] }] }, [gpu])).toEqual([]);
});

test.each([
  ["default", ["bash"], ""],
  ["gpu", ["bash"], " --queues gpu"],
  ["docker", ["docker"], " --docker"],
  ["gpu", ["docker", "bash"], " --queues gpu --docker"],
  ["sensor", ["sensor"], " --plugins FILE"],
  ["eu", ["sensor", "shout"], " --queues eu --plugins FILE"],
  ["sensor", ["bash"], " --queues sensor"],
])("the advice for queue %s with tasks of %j is complete", (queue, types, flags) => {
  const obstacle = { kind: "no-worker", queue, types } as const;
  const plugIns = types.filter((type) => !["bash", "docker"].includes(type)).join(", ");
  const more = plugIns === "" ? "" : ` (FILE has ${plugIns})`;
  expect(obstacleText({ ...obstacle, others: true })).toBe(
    `queue '${queue}' is waiting for a worker: start one with ${flags === "" ? "--queues default" : flags.trim()}${more}`,
  );
  expect(obstacleText({ ...obstacle, others: false })).toBe(
    `waiting for a worker: start one with \`worker --nats …${flags}\`${more}`,
  );
});

function held(id: string, attempt: number): ClusterView["held"][number] {
  return { runId: "run", task: id, index: 0, attempt, workerId: "w", sinceMs: 50 };
}
