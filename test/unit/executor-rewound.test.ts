/** An executor whose log was put back to an older state. */
import { expect, test } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { dag, task } from "../support/dags.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { memoryExecutor } from "../support/memory-executor.ts";

test("what a log that has lost its end hands over is not folded into what was before", async () => {
  const clock = new ManualClock();
  const cluster = new MemoryCluster({ clock });
  const { follow } = cluster.log;
  const handOver: ((fact: LoggedFact) => void)[] = [];
  cluster.log.follow = async (options, onFact) => {
    handOver.push((fact) => {
      options.onRewound?.();
      onFact(fact);
    });
    return follow.call(cluster.log, options, onFact);
  };
  const service = memoryExecutor(cluster, { clock, observer: { observe: () => undefined } });
  await service.start();
  await clock.advance(2_000);
  const { runId } = await service.submit({ dag: dag([task("a")]) });
  const [submitted] = await cluster.log.factsOf(runId);
  if (submitted === undefined) throw new Error("nothing was submitted");
  for (const act of handOver.splice(0)) act({ ...submitted, runId: "another" });
  await clock.advance(4_000);
  expect((await cluster.queue.list()).map((copy) => copy.runId)).toEqual([runId]);
  const stopped = service.stop();
  await clock.advance(30_000);
  await stopped;
});
