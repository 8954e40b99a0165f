/** Who waits for a run whose log was put back to an older state. */
import { beforeEach, describe, expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Fact } from "../../internal/core/facts.ts";
import { Graph } from "../../internal/core/graph.ts";
import { partitionsOf } from "../../internal/core/hash.ts";
import { RunFold } from "../../internal/core/run-fold.ts";
import { RunReport } from "../../internal/executor/run-report.ts";
import { type Mark, RunWatch } from "../../internal/executor/run-watch.ts";
import type { RunListener } from "../../internal/executor/settings.ts";
import { Watches } from "../../internal/executor/watches.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { dag, task } from "../support/dags.ts";
import { failed, submitted } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";

const SHARE = 3;
const [PARTITION = SHARE] = partitionsOf(SHARE);
const DAG = dag([task("a")]);

let clock: ManualClock;
let cluster: MemoryCluster;
let watches: Watches;

beforeEach(() => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock });
  watches = watchesOf(true);
});

/** `isDriven`: what is waited for is driven here; else it is followed. */
function watchesOf(isDriven: boolean): Watches {
  const { log, history, blobs } = cluster;
  return new Watches({
    log,
    history,
    blobs,
    definitions: new StoredDefinitions(blobs),
    clock,
    report: new RunReport({ observe: () => undefined }),
    isDriven: () => isDriven,
    hasFacts: () => isDriven,
    onRewound: () => undefined,
  });
}

async function write(runId: string, fact: Fact): Promise<number> {
  const answer = await cluster.log.append({ runId, partition: PARTITION }, fact);
  return answer.stored ? answer.seq : 0;
}

async function submit(runId: string): Promise<number> {
  const definition = await new StoredDefinitions(cluster.blobs).put(DAG);
  return write(runId, { ...submitted(DAG), definition });
}

/** What the log still holds of a run that has failed. */
async function failedRun(runId: string): Promise<number> {
  const runSeq = await submit(runId);
  const where = { queue: "default", incarnation: "w", n: runSeq };
  await write(runId, { kind: "outcomes", runSeq, items: [failed("a")], ...where });
  await write(runId, { kind: "finished", gen: 0, state: "failed", durationMs: 1 });
  return runSeq;
}

/** What who reads the run hands over, fact by fact. */
async function* handedOver(runId: string): AsyncGenerator<Parameters<RunListener>> {
  const facts = await cluster.log.factsOf(runId);
  const [first] = facts;
  if (first?.fact.kind !== "submitted") throw new Error(`${runId} was not submitted`);
  const run = new RunFold(first, first.fact, new Graph(DAG));
  for (const logged of facts) yield [run, run.apply(logged), logged];
}

interface Wait {
  readonly runId: string;
  readonly gen: number;
  /** The newest fact that was taken in. */
  readonly seen?: Mark;
  /** Position of the retry. */
  readonly retriedAt?: number;
  /** Writes what begins the generation; resolves with the position of `submitted`. */
  admit(): Promise<number>;
}

/** Waits for the end of a generation, and keeps what is told of it. */
async function wait({ runId, gen, seen, retriedAt = 0, admit }: Wait): Promise<{ told(): unknown }> {
  const watch = new RunWatch({ runId, partition: PARTITION, gen });
  const handle = await watches.add(watch, admit);
  watch.seen = seen ?? watch.seen;
  watch.retriedAt = retriedAt;
  let told: unknown;
  handle.result().then(
    (result) => (told = result),
    (error: unknown) => (told = String(error)),
  );
  return { told: () => told };
}

/** The log was put back; resolves when who waits for a run that is not in it was told, the last of all. */
async function startOver(): Promise<void> {
  const last = await wait({ runId: "last", gen: 0, admit: async () => 1_000 });
  watches.startOver(SHARE);
  await until(last.told);
  expect(last.told()).toContain("run 'last' is gone");
}

test("who waits for a retry that went with the end of the log is told, though the run is still there", async () => {
  const seq = await failedRun("r");
  // Who had announced the end of the retry did so again, since the answer was lost.
  await write("r", { kind: "finished", gen: 1, state: "failed", durationMs: 1 });
  const retry = await wait({ runId: "r", gen: 1, admit: async () => seq });
  await startOver();
  expect(retry.told()).toContain("the retry of run 'r' is gone");
  expect(watches.has("r")).toBe(false);
});

test("who waits for a generation that the log still holds waits on", async () => {
  const retried = await failedRun("retried");
  await write("retried", { kind: "retry", gen: 1, tasks: [] });
  const waits = [
    await wait({ runId: "retried", gen: 1, admit: async () => retried }),
    await wait({ runId: "first", gen: 0, admit: () => submit("first") }),
  ];
  await startOver();
  expect(waits.map(({ told }) => told())).toEqual([undefined, undefined]);
});

test("of a run that was retired since, the log need not hold its retries", async () => {
  const seq = await failedRun("r");
  await write("r", { kind: "retired", gen: 2, state: "failed", durationMs: 1 });
  const retry = await wait({ runId: "r", gen: 1, admit: async () => seq });
  await startOver();
  expect(retry.told()).toBeUndefined();
});

test("what is about to be written is not missed", async () => {
  let store = (): void => undefined;
  const stored = new Promise<void>((resolve) => (store = resolve));
  const seq = await failedRun("retried");
  const coming = [
    wait({ runId: "new", gen: 0, admit: () => stored.then(() => submit("new")) }),
    wait({ runId: "retried", gen: 1, admit: () => stored.then(() => seq) }),
  ];
  await startOver();
  store();
  const waits = await Promise.all(coming);
  expect(waits.map(({ told }) => told())).toEqual([undefined, undefined]);
});

test("an end is told whatever was taken in before, of a log that nobody saw being put back", async () => {
  const seq = await failedRun("r");
  const ended = await wait({ runId: "r", gen: 0, seen: { seq: 1_000, time: 1 }, admit: async () => seq });
  for await (const told of handedOver("r")) watches.onRun(...told);
  await until(ended.told);
  expect(ended.told()).toMatchObject({ runId: "r", state: "failed" });
});

describe("after a reconnect", () => {
  async function markOf(runId: string): Promise<Mark> {
    const { seq = 0, time = 0 } = (await cluster.log.factsOf(runId)).at(-1) ?? {};
    return { seq, time };
  }

  test("who waits for a run of which nothing was read before the log lost it is told", async () => {
    const gone = await wait({ runId: "gone", gen: 0, admit: async () => 1_000 });
    const kept = await wait({ runId: "kept", gen: 0, admit: () => submit("kept") });
    await watches.reconnected();
    await until(gone.told);
    expect([gone.told(), kept.told()]).toEqual([expect.stringContaining("run 'gone' is gone"), undefined]);
  });

  test("who waits for a retry in whose place something else stands is told", async () => {
    const seq = await failedRun("r");
    const seen = await markOf("r");
    const retriedAt = await write("r", { kind: "finished", gen: 1, state: "failed", durationMs: 1 });
    const retry = await wait({ runId: "r", gen: 1, seen, retriedAt, admit: async () => seq });
    await watches.reconnected();
    await until(retry.told);
    expect(retry.told()).toContain("the retry of run 'r' is gone");
  });

  test("of a log that holds the newest of what was taken in nothing more is read", async () => {
    const seq = await submit("r");
    await write("r", { kind: "cancel", gen: 1, cause: "request", message: "" });
    const watch = await wait({ runId: "r", gen: 0, seen: await markOf("r"), admit: async () => seq });
    cluster.log.factsOf = async () => Promise.reject(new Error("nobody should read it"));
    await watches.reconnected();
    expect(watch.told()).toBeUndefined();
  });

  test("a replica that lags behind takes nothing from who waits", async () => {
    const gone = await wait({ runId: "gone", gen: 0, admit: async () => 1_000 });
    const kept = await wait({ runId: "kept", gen: 0, admit: () => submit("kept") });
    cluster.log.factsOf = async () => [];
    await watches.reconnected();
    await until(gone.told);
    expect(kept.told()).toBeUndefined();
  });
});

test("who waits for a retry that comes to nothing, as the run goes on again, is told", async () => {
  const seq = await submit("r");
  const retriedAt = await write("r", { kind: "retry", gen: 1, tasks: [] });
  const retry = await wait({ runId: "r", gen: 1, retriedAt, admit: async () => seq });
  for await (const told of handedOver("r")) watches.onRun(...told);
  await until(retry.told);
  expect(retry.told()).toContain("the retry of run 'r' is gone");
});

test("who waits for the retry of a run is told its end, though the end before was still being read when it began", async () => {
  watches = watchesOf(false);
  const runSeq = await submit("r");
  const before = await wait({ runId: "r", gen: 0, admit: async () => runSeq });
  const { read } = cluster.log;
  let goOn = (): void => undefined;
  const isLetGo = new Promise<void>((resolve) => (goOn = resolve));
  cluster.log.read = async (seqs) => {
    await isLetGo;
    return read.call(cluster.log, seqs);
  };
  const end = (n: number): Promise<number> =>
    write("r", {
      ...{ kind: "outcomes", runSeq, queue: "default", incarnation: "w", n },
      items: [failed("a", n)],
    });
  await end(1);
  await until(() => !watches.has("r"));
  const again = await wait({
    runId: "r",
    gen: 1,
    admit: async () => {
      await write("r", { kind: "retry", gen: 1, tasks: [] });
      return runSeq;
    },
  });
  goOn();
  await until(before.told);
  await end(2);
  await until(again.told);
  expect(before.told()).toMatchObject({ state: "failed", tasks: { a: { attempts: 1 } } });
  expect(again.told()).toMatchObject({ state: "failed", tasks: { a: { attempts: 2 } } });
});
