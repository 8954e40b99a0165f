/** Whoever takes over reads no more of the log than can still matter, and no less, whatever became of the log. */
import { beforeEach, expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Fact, LoggedFact } from "../../internal/core/facts.ts";
import { partitionOf, shareOf } from "../../internal/core/hash.ts";
import type { ExecutorService, ServiceOptions } from "../../internal/executor/service.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Definitions } from "../../internal/ports/definitions.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import { dag, task } from "../support/dags.ts";
import { completed, failed } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { memoryExecutor } from "../support/memory-executor.ts";
import { overriding } from "../support/overriding.ts";

const TERM_MS = 5_000;
const CHAIN = dag([task("a"), task("b", { dependsOn: ["a"] })]);
const SHARE = shareOf(partitionOf(CHAIN.tenantId, CHAIN.name));

let clock: ManualClock;
let cluster: MemoryCluster;
let definitions: StoredDefinitions;
let ids = 0;

beforeEach(() => {
  clock = new ManualClock();
  cluster = new MemoryCluster({ clock, leaseTermMs: TERM_MS });
  definitions = new StoredDefinitions(cluster.blobs);
});

interface Program extends AsyncDisposable {
  readonly service: ExecutorService;
  /** The facts of the share that it was handed. */
  readonly read: LoggedFact[];
}

/** An executor of its own; it has taken over, unless another one is there. */
async function start(
  more: Partial<Pick<ServiceOptions, "log" | "definitions" | "standsIn">> = {},
): Promise<Program> {
  const read: LoggedFact[] = [];
  const { log = cluster.log } = more;
  const service = memoryExecutor(cluster, {
    definitions,
    clock,
    // One source for all of them: their names must differ.
    random: { id: () => `id-${++ids}` },
    observer: { observe: () => undefined },
    ...more,
    log: overriding<RunLog>(log, {
      follow: (options, onFact) =>
        log.follow(options, (fact) => {
          if (options.runId === undefined) read.push(fact);
          onFact(fact);
        }),
    }),
  });
  const starting = service.start();
  await clock.advance(1_000);
  await starting;
  return {
    service,
    read,
    [Symbol.asyncDispose]: async () => {
      const stopping = service.stop();
      await clock.advance(5_000);
      await stopping;
    },
  };
}

let n = 0;
/** What a worker does: its outcomes are stored, then their copies go. */
async function write(runId: string, ...facts: Fact[]): Promise<void> {
  const [run] = await cluster.log.factsOf(runId);
  if (run === undefined) throw new Error(`no run ${runId}`);
  for (const fact of facts) {
    const own = fact.kind === "outcomes" ? { ...fact, runSeq: run.seq } : fact;
    await cluster.log.append(run, own);
    if (fact.kind !== "outcomes") continue;
    for (const item of fact.items) await cluster.queue.remove({ runId, queue: "default", ...item });
  }
  await clock.advance(1);
}

function outcomes(...items: ReturnType<typeof completed>[]): Fact {
  return { kind: "outcomes", runSeq: 0, items, queue: "default", incarnation: "w", n: ++n };
}

async function queued(): Promise<string[]> {
  await clock.advance(0);
  return (await cluster.queue.list()).map(({ runId, task: id, attempt }) => `${runId} ${id}#${attempt}`);
}

/** Long enough for a checkpoint to be stored. */
const STORED_MS = 4_000;

/** Runs, one of which is waited for by nobody, that have come to their end. */
async function someRuns({ service }: Program, prefix: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await service.submit({ dag: CHAIN, runId: `${prefix}-${i}` });
    await write(`${prefix}-${i}`, outcomes(completed("a")), outcomes(completed("b")));
  }
  await clock.advance(STORED_MS);
}

test("runs that are over are not read again", async () => {
  await using first = await start();
  await someRuns(first, "over", 50);
  await first[Symbol.asyncDispose]();
  await using second = await start();
  expect(second.read).toHaveLength(1);
  await someRuns(second, "more", 3);
  expect(await queued()).toEqual([]);
});

test("what goes on is read from its beginning", async () => {
  await using first = await start();
  await someRuns(first, "over", 20);
  await submit(first, "long");
  await write("long", outcomes(completed("a")));
  await someRuns(first, "later", 2);
  await first[Symbol.asyncDispose]();
  const [long] = await cluster.log.factsOf("long");
  await using second = await start();
  expect(second.read[0]?.seq).toBe(long?.seq);
  // Two of its own, and four of each of the later ones.
  expect(second.read).toHaveLength(2 + 8);
  expect(await queued()).toEqual(["long b#1"]);
});

test("a run that is retried goes on, also if it was over before, and is read from the retry on", async () => {
  await using first = await start();
  await submit(first, "again");
  await write("again", outcomes(completed("a")), outcomes(failed("b")));
  await someRuns(first, "over", 10);
  await first[Symbol.asyncDispose]();
  await write("again", { kind: "retry", gen: 1, tasks: [] });
  await using second = await start();
  expect(await queued()).toEqual(["again b#2"]);
  await someRuns(second, "later", 1);
  await second[Symbol.asyncDispose]();
  await using third = await start();
  expect(third.read[0]).toMatchObject({ runId: "again", fact: { kind: "retry" } });
  await write("again", outcomes(completed("b", 2)));
  expect(await third.service.inspect("again")).toMatchObject({ state: "completed" });
});

test("a log that is another one is read whole, also if it is as long", async () => {
  await using first = await start();
  await someRuns(first, "over", 5);
  await first[Symbol.asyncDispose]();
  const { seq: end } = await cluster.log.end();
  const stored = await cluster.checkpoints.get(SHARE);
  expect(stored?.anchor.seq).toBe(end);
  // As if the server had been put back to its beginning, and had gone on for a while.
  const { checkpoints } = cluster;
  cluster = overriding(new MemoryCluster({ clock, leaseTermMs: TERM_MS }), { checkpoints });
  definitions = new StoredDefinitions(cluster.blobs);
  await using second = await start();
  await submit(second, "live");
  await someRuns(second, "other", 7);
  await second[Symbol.asyncDispose]();
  expect((await cluster.log.end()).seq).toBeGreaterThan(end);
  await checkpoints.put(SHARE, stored ?? { from: 1, anchor: { seq: 0, time: 0 } });
  await cluster.queue.purge("live", ["default"]);
  await using third = await start();
  expect(third.read.at(-1)?.runId).toBe("other-6");
  expect(await queued()).toEqual(["live a#1"]);
});

test("a run that could not be read is read by the next one", async () => {
  let asked = 0;
  const unreadable = overriding<Definitions>(definitions, {
    get: (ref) => (++asked === 1 ? Promise.reject(new Error("not now")) : definitions.get(ref)),
  });
  await using first = await start({ definitions: unreadable });
  await submit(first, "unread");
  await someRuns(first, "over", 3);
  await first[Symbol.asyncDispose]();
  await using _second = await start();
  expect(await queued()).toEqual(["unread a#1"]);
});

test("a run that could not be read is tried again", async () => {
  let asked = 0;
  const unreadable = overriding<Definitions>(definitions, {
    get: (ref) => (++asked === 1 ? Promise.reject(new Error("not now")) : definitions.get(ref)),
  });
  await using first = await start({ definitions: unreadable });
  await submit(first, "unread");
  expect(await queued()).toEqual([]);
  await clock.advance(10_000);
  expect(await queued()).toEqual(["unread a#1"]);
});

test("who waits for a run that was over before the checkpoint hears of its end", async () => {
  await using first = await start();
  // Who waits without driving is behind, for as long as this holds what is to be handed over.
  const held = new Set<() => void>();
  let isStalled = true;
  const stalled = overriding<RunLog>(cluster.log, {
    follow: async (options, onFact) => {
      if (!isStalled) return cluster.log.follow(options, onFact);
      let isStopped = false;
      const follower = await cluster.log.follow(options, (fact) => {
        held.add(() => {
          if (!isStopped) onFact(fact);
        });
      });
      return overriding(follower, {
        stop: () => {
          isStopped = true;
          return follower.stop();
        },
      });
    },
  });
  await using second = await start({ log: stalled, standsIn: true });
  const waiting = await second.service.submit({ dag: CHAIN, runId: "awaited" });
  await write("awaited", outcomes(completed("a")), outcomes(completed("b")));
  await someRuns(first, "over", 2);
  isStalled = false;
  await first[Symbol.asyncDispose]();
  await clock.advance(TERM_MS);
  expect(second.service.role).toBe("leads");
  expect(second.read.map(({ runId }) => runId)).not.toContain("awaited");
  for (const handOver of held) handOver();
  const inVain = clock.advance(1_000).then(() => "still waiting");
  expect(await Promise.race([waiting.result(), inVain])).toMatchObject({ state: "completed" });
});

/** A run that nobody waits for any more once its executor stops. */
async function submit({ service }: Program, runId: string): Promise<void> {
  const handle = await service.submit({ dag: CHAIN, runId });
  handle.result().catch(() => undefined);
  await clock.advance(1);
}
