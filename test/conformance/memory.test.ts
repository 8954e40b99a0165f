/** The ports in one process keep the same promises as those on NATS. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MemoryCluster, type MemoryClusterOptions } from "../../internal/memory/cluster.ts";
import { ANY_QUEUE } from "../../internal/memory/task-queue.ts";
import { newScratchPath } from "../../internal/tasks/scratch.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";
import type { Fixture, FixtureOptions } from "./fixture.ts";
import { catalogSuite } from "./catalog.suite.ts";
import { checkpointsSuite, historySuite, removalSuite } from "./history.suite.ts";
import { presenceSuite } from "./presence.suite.ts";
import { queuePositionsSuite } from "./queue-positions.suite.ts";
import { deadLettersSuite } from "./dead-letters.suite.ts";
import { logsSuite } from "./logs.suite.ts";
import { runLogSuite } from "./run-log.suite.ts";
import { Deliveries, outcomes, SUBMITTED, work } from "./samples.ts";
import { blobsSuite, deskSuite, leaseSuite } from "./small-ports.suite.ts";
import { redeliverySuite } from "./redelivery.suite.ts";
import { refereeSuite } from "./referee.suite.ts";
import { taskQueueSuite } from "./task-queue.suite.ts";

async function make(options: FixtureOptions & Partial<MemoryClusterOptions> = {}): Promise<Fixture> {
  const clock = new ManualClock();
  const cluster = new MemoryCluster({ clock, ...options });
  return {
    open: async () => cluster,
    elapse: (ms) => clock.advance(ms),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

runLogSuite("memory", make);
taskQueueSuite("memory", make);
queuePositionsSuite("memory", make);
redeliverySuite("memory", make);
blobsSuite("memory", make);
blobsSuite("memory, with streams in files", () => make({ newPath: newScratchPath }));
leaseSuite("memory", make);
deadLettersSuite("memory", make);
presenceSuite("memory", make);
deskSuite("memory", make);
refereeSuite("memory", make);
catalogSuite("memory", make);
historySuite("memory", make);
checkpointsSuite("memory", make);
removalSuite("memory", make);
logsSuite("memory", make);

describe("memory only", () => {
  it("serves every queue to an intake that is opened for any", async () => {
    const { queue } = new MemoryCluster({ clock: new ManualClock() });
    const deliveries = new Deliveries();
    const intake = await queue.open(ANY_QUEUE, deliveries.add);
    await queue.enqueue(work("before", { queue: "gpu" }));
    intake.demand(3);
    await queue.enqueue(work("a", { queue: "new" }));
    await queue.enqueue(work("b"));
    await deliveries.reach(3);
    expect(deliveries.tasks).toEqual(["before", "a", "b"]);
  });

  it("forgets the oldest ended runs with their values, and never one that goes on", async () => {
    const { log, blobs } = new MemoryCluster({ clock: new ManualClock() });
    const owner = { runId: "ended-0" };
    const ref = await blobs.put(owner, "out", new Uint8Array(10));
    await log.append({ runId: "going-on", partition: 1 }, SUBMITTED);
    for (let i = 0; i < 1_010; i++) {
      const run = { runId: `ended-${i}`, partition: 1 };
      await log.append(run, SUBMITTED);
      await log.append(run, outcomes(1));
      await log.append(run, { kind: "finished", gen: 0, state: "completed", durationMs: 1 });
    }
    expect(await log.factsOf("ended-9")).toEqual([]);
    expect(await log.factsOf("ended-10")).toHaveLength(3);
    expect(await log.factsOf("going-on")).toHaveLength(1);
    await expect(blobs.get(owner, ref)).rejects.toThrow("gone");
    expect(await log.append({ runId: "ended-0", partition: 1 }, SUBMITTED)).toMatchObject({ stored: true });
  });

  it("forgets sooner what is large, and keeps what has just ended", async () => {
    const { log } = new MemoryCluster({ clock: new ManualClock() });
    const output = { ref: { name: "out", bytes: 10_000_000, chunks: 20 } };
    const items = [{ task: "a", index: 0, attempt: 1, state: "completed", durationMs: 1, output } as const];
    for (let i = 0; i < 30; i++) {
      const run = { runId: `large-${i}`, partition: 1 };
      await log.append(run, outcomes(1, { items }));
      await log.append(run, { kind: "finished", gen: 0, state: "completed", durationMs: 1 });
    }
    const kept = await Promise.all(Array.from({ length: 30 }, (_, i) => log.factsOf(`large-${i}`)));
    expect(kept.map((facts) => facts.length > 0).lastIndexOf(false)).toBe(19);
  });

  it("leaves no file of a stream behind", async () => {
    const paths: string[] = [];
    const newPath = (): string => {
      paths.push(newScratchPath());
      return paths.at(-1) ?? "";
    };
    const { blobs } = new MemoryCluster({ clock: new ManualClock(), newPath });
    const wanted = new AbortController().signal;
    const bytes = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1_000);
    };
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1_000);
      throw new Error("gone");
    };
    const owner = { runId: "r" };
    await blobs.putStream({ owner, name: "kept" }, bytes(), wanted);
    await blobs.putStream({ owner, name: "kept" }, bytes(), wanted);
    await expect(blobs.putStream({ owner, name: "broken" }, broken(), wanted)).rejects.toThrow("gone");
    await until(() => paths.filter((path) => existsSync(path)).length === 1);
    await blobs.removeRun("r");
    expect(paths.filter((path) => existsSync(path))).toEqual([]);
    await blobs.putStream({ owner, name: "again" }, bytes(), wanted);
    await blobs.clear();
    expect(paths.filter((path) => existsSync(path))).toEqual([]);
  });

  it("hands over to a follower that lags behind all that is still there", async () => {
    const { log } = new MemoryCluster({ clock: new ManualClock() });
    for (let n = 0; n < 3; n++) await log.append({ runId: "r", partition: 0 }, outcomes(n));
    let count = 0;
    await log.follow({ from: 0 }, () => void count++);
    await until(() => count === 3);
    expect(count).toBe(3);
  });
});
