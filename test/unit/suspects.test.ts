/** Which copies a worker runs that it cannot trust, and when. */
import { beforeEach, describe, expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { attemptKey, type Work } from "../../internal/core/attempt.ts";
import { PARTITIONS, shareOf } from "../../internal/core/hash.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Question, Ruling } from "../../internal/ports/referee.ts";
import { HEARTBEAT, WORK } from "../conformance/samples.ts";
import { dag, task } from "../support/dags.ts";
import { completed, submitted } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { outcomesOf, TestWorker } from "../support/test-worker.ts";

const ACK_WAIT_MS = 60_000;
const PARTITION = 5;
const inputs: Work["inputs"] = { inline: { run: { inline: {} }, own: {}, upstream: [] } };

let clock: ManualClock;
let cluster: MemoryCluster;
let worker: TestWorker;
/** Position of the run's `submitted`. */
let runSeq: number;

const work = (id: string, more: Partial<Work> = {}): Work => ({
  ...WORK,
  runId: "run",
  task: id,
  type: "test",
  partition: PARTITION,
  runSeq,
  timeoutMs: 600_000,
  inputs,
  ...more,
});
const suspect = (id: string, more: Partial<Work> = {}): Work => work(id, { mayBeHeld: true, ...more });
const key = (id: string, attempt = 1): string => attemptKey({ runId: "run", task: id, index: 0, attempt });

beforeEach(async () => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock, ackWaitMs: ACK_WAIT_MS });
  worker = new TestWorker(cluster, clock);
  const definition = dag(["a", "b", "c", "d"].map((id) => task(id, { type: "test" })));
  const ref = await new StoredDefinitions(cluster.blobs).put(definition);
  const run = { runId: "run", partition: PARTITION };
  const fact = { ...submitted(definition), definition: ref };
  const answer = await cluster.log.append(run, fact);
  runSeq = answer.stored ? answer.seq : 0;
  await worker.worker.start();
});

/** Everything happens that does not wait for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await clock.advance(0);
}

/** The worker runs `a` and `b`, and has `c` and `d` in its buffer: its tasks were short so far. */
async function fillTheBuffer(): Promise<void> {
  await cluster.queue.enqueue(work("short"));
  await settle();
  worker.finish(work("short"));
  await settle();
  worker.begun.length = 0;
  for (const id of ["a", "b", "c", "d"]) await cluster.queue.enqueue(work(id));
  await settle();
  expect(worker.begun).toEqual([key("a"), key("b")]);
  expect((await cluster.queue.depth("default")).inFlight).toBe(4);
}

async function end(id: string, attempt = 1): Promise<void> {
  const items = [completed(id, attempt)];
  const writer = { queue: "default", incarnation: "other", n: attempt * 1_000 + id.charCodeAt(0) };
  await cluster.log.append(
    { runId: "run", partition: PARTITION },
    { kind: "outcomes", runSeq, items, ...writer },
  );
}

async function queued(): Promise<string[]> {
  return (await cluster.queue.list()).map(attemptKey);
}

/** An executor that answers as a test says. */
async function serve(rule: (question: Question) => readonly Ruling[]): Promise<Question[]> {
  const asked: Question[] = [];
  await cluster.referee.serve(shareOf(PARTITION), async (question) => {
    asked.push(question);
    return rule(question);
  });
  return asked;
}

const all =
  (ruling: Ruling) =>
  ({ attempts }: Question): Ruling[] =>
    attempts.map(() => ruling);

describe("with an executor", () => {
  test("a fresh copy is not asked about", async () => {
    const asked = await serve(all("over"));
    await cluster.queue.enqueue(work("a"));
    await settle();
    expect(worker.begun).toEqual([key("a")]);
    expect(asked).toEqual([]);
  });

  test("all suspects that come together are asked about in one question, and each gets what was said of it", async () => {
    const asked = await serve(({ attempts }) =>
      attempts.map(({ task: id }): Ruling => (id === "a" ? "over" : id === "b" ? "held" : "run")),
    );
    for (const id of ["a", "b"]) await cluster.queue.enqueue(suspect(id));
    await settle();
    expect(asked).toEqual([
      {
        incarnation: "w-1",
        attempts: ["a", "b"].map((id) => ({ runId: "run", task: id, index: 0, attempt: 1, runSeq })),
      },
    ]);
    await cluster.queue.enqueue(suspect("c"));
    await settle();
    expect(worker.begun).toEqual([key("c")]);
    expect(await queued()).toEqual([key("b"), key("c")]);
    // What another holds comes again later, and is asked about once more.
    await clock.advance(10_000);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.at(-1)?.attempts.map(({ task: id }) => id)).toEqual(["b"]);
    expect(worker.begun).toEqual([key("c")]);
  });

  test("shares do not wait for each other", async () => {
    const other = (PARTITION + 1) % PARTITIONS;
    await cluster.referee.serve(shareOf(PARTITION), () => new Promise(() => undefined));
    await cluster.referee.serve(shareOf(other), async (question) => all("run")(question));
    await cluster.queue.enqueue(suspect("a"));
    await cluster.queue.enqueue(suspect("b", { partition: other }));
    await settle();
    expect(worker.begun).toEqual([key("b")]);
  });

  test("a suspect that was cancelled meanwhile does not start, whatever the answer", async () => {
    let answer = (): void => undefined;
    await cluster.referee.serve(shareOf(PARTITION), async (question) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return all("run")(question);
    });
    await cluster.queue.enqueue(suspect("a"));
    await settle();
    cluster.presence.command({ kind: "stop-run", runId: "run", gen: 0 });
    await settle();
    answer();
    await settle();
    expect(worker.begun).toEqual([]);
    expect(await queued()).toEqual([]);
  });
});

test("a copy that is asked about for long is not delivered to another meanwhile", async () => {
  let answer = (): void => undefined;
  const asked: Question[] = [];
  await cluster.referee.serve(shareOf(PARTITION), async (question) => {
    asked.push(question);
    await new Promise<void>((resolve) => (answer = resolve));
    return all("run")(question);
  });
  await cluster.queue.enqueue(suspect("a"));
  await settle();
  const other = new TestWorker(cluster, clock, { workerId: "other" });
  await other.worker.start();
  await clock.advance(3 * ACK_WAIT_MS);
  expect(asked).toHaveLength(1);
  answer();
  await settle();
  expect([worker.begun, other.begun]).toEqual([[key("a")], []]);
});

test("an executor that comes while a worker judges alone has the last word", async () => {
  await cluster.queue.enqueue(suspect("a"));
  await clock.advance(500);
  expect(worker.begun).toEqual([]);
  await serve(all("over"));
  await clock.advance(5_000);
  expect(worker.begun).toEqual([]);
  expect(await queued()).toEqual([]);
});

describe("without an executor", () => {
  test.each([
    ["has an outcome", async () => end("a")],
    ["is of a run that was cancelled", async () => cancel()],
    ["is of a run that was retired", async () => retired()],
  ])("does not run what %s", async (_name, happens) => {
    await happens();
    await cluster.queue.enqueue(suspect("a"));
    await clock.advance(5_000);
    expect(worker.begun).toEqual([]);
    expect(await queued()).toEqual([]);
  });

  test("does not run what is of another run of the same id, or of none", async () => {
    await cluster.queue.enqueue(suspect("a", { runSeq: runSeq + 1 }));
    await cluster.queue.enqueue(suspect("a", { runId: "nobody" }));
    await clock.advance(5_000);
    expect(worker.begun).toEqual([]);
    expect(await queued()).toEqual([]);
  });

  test("runs what is current and nobody holds", async () => {
    await cluster.queue.enqueue(suspect("a"));
    await clock.advance(5_000);
    expect(worker.begun).toEqual([key("a")]);
  });

  test("leaves alone what another worker says that it holds", async () => {
    const claim = { runId: "run", task: "a", index: 0, attempt: 1, queue: "default", partition: PARTITION };
    const other = { ...HEARTBEAT, incarnation: "other-1" };
    let held = [{ ...claim, heldMs: 1_000 }];
    await cluster.presence.onCommand("other-1", ({ kind }) => {
      if (kind === "report") cluster.presence.heartbeat({ ...other, held });
    });
    await cluster.queue.enqueue(suspect("a"));
    await clock.advance(10_000);
    expect(worker.begun).toEqual([]);
    expect(await queued()).toEqual([key("a")]);
    held = [];
    await clock.advance(10_000);
    expect(worker.begun).toEqual([key("a")]);
  });

  test("ends as lost what came to nothing more often than its run allows, and nothing that was given back", async () => {
    // The cap of the sample is 2. Somebody takes the copy and vanishes with it, three times.
    const held = await cluster.queue.open("doomed", () => undefined);
    await cluster.queue.enqueue(work("a", { queue: "doomed" }));
    held.demand(1);
    await settle();
    for (let i = 0; i < 2; i++) {
      held.demand(1);
      await clock.advance(ACK_WAIT_MS);
    }
    await held.stop();
    const late = new TestWorker(cluster, clock, { workerId: "late", queues: ["doomed"] });
    await clock.advance(ACK_WAIT_MS);
    await late.worker.start();
    await clock.advance(5_000);
    expect(late.begun).toEqual([]);
    expect(await outcomesOf(cluster, "run")).toMatchObject([
      { task: "a", attempt: 1, state: "failed", error: { reason: "lost" } },
    ]);
    expect(await queued()).toEqual([]);
    const giver = await cluster.queue.open("given", (delivery) => delivery.giveBack());
    await cluster.queue.enqueue(work("b", { queue: "given" }));
    for (let i = 0; i < 20; i++) {
      giver.demand(1);
      await settle();
    }
    await giver.stop();
    const second = new TestWorker(cluster, clock, { workerId: "second", queues: ["given"] });
    await second.worker.start();
    await clock.advance(5_000);
    expect(second.begun).toEqual([key("b")]);
  });
});

describe("a worker that is cut off", () => {
  test("starts nothing, and asks about what it has when it is back", async () => {
    const asked = await serve(({ attempts }) =>
      attempts.map(({ task: id }): Ruling => (id === "a" || id === "c" ? "over" : "run")),
    );
    await fillTheBuffer();
    worker.link.cut();
    worker.finish(work("b"));
    await clock.advance(30_000);
    expect(worker.begun).toEqual([key("a"), key("b")]);
    expect(asked).toEqual([]);
    worker.link.restore();
    await settle();
    const about = asked.flatMap(({ attempts }) => attempts.map(({ task: id }) => id));
    expect(about.toSorted()).toEqual(expect.arrayContaining(["a", "c", "d"]));
    // What ran and is over is ended, what waited and is over is gone, and the rest goes on.
    expect(worker.running).toEqual([key("d")]);
    expect(worker.begun).toEqual([key("a"), key("b"), key("d")]);
    expect(await queued()).toEqual([key("d")]);
  });

  test("and one that stood still asks about what has waited in it since", async () => {
    const asked = await serve(all("over"));
    await fillTheBuffer();
    clock.standStill(30_000);
    worker.finish(work("a"));
    await clock.advance(10);
    await settle();
    expect(worker.begun).toEqual([key("a"), key("b")]);
    const about = asked.flatMap(({ attempts }) => attempts.map(({ task: id }) => id));
    expect(about.toSorted()).toEqual(["c", "d"]);
    expect(await queued()).toEqual([key("b")]);
  });

  test("does not use an answer that was given before it was cut off", async () => {
    let answer: ((ruling: Ruling) => void) | undefined;
    await cluster.referee.serve(
      shareOf(PARTITION),
      ({ attempts }) =>
        new Promise((resolve) => {
          answer = (ruling) => resolve(attempts.map(() => ruling));
        }),
    );
    await cluster.queue.enqueue(suspect("a"));
    await settle();
    const before = answer;
    worker.link.cut();
    worker.link.restore();
    await settle();
    before?.("run");
    await settle();
    expect(worker.begun).toEqual([]);
    answer?.("over");
    await settle();
    expect(worker.begun).toEqual([]);
    expect(await queued()).toEqual([]);
  });

  test("gives back all that has not started, suspects too, when it drains", async () => {
    await serve(() => new Promise<never>(() => undefined) as never);
    await fillTheBuffer();
    await cluster.queue.enqueue(suspect("e"));
    await settle();
    expect((await cluster.queue.depth("default")).inFlight).toBe(5);
    const stopping = worker.worker.stop();
    await clock.advance(10_000);
    await stopping;
    expect(worker.worker.leftBehind).toEqual([]);
    expect(worker.begun).toEqual([key("a"), key("b")]);
    // What ran was ended, and is stored as given back.
    expect((await outcomesOf(cluster, "run")).slice(1)).toMatchObject([
      { task: "a", state: "failed", error: { reason: "released" } },
      { task: "b", state: "failed", error: { reason: "released" } },
    ]);
    expect((await queued()).toSorted()).toEqual([key("c"), key("d"), key("e")]);
    expect(await cluster.queue.depth("default")).toMatchObject({ waiting: 3, inFlight: 0 });
  });
});

const RUN = { runId: "run", partition: PARTITION };

async function cancel(): Promise<void> {
  await cluster.log.append(RUN, { kind: "cancel", gen: 0, cause: "request", message: "" });
}

async function retired(): Promise<void> {
  await cluster.log.append(RUN, { kind: "retired", gen: 2, state: "completed", durationMs: 1 });
}
