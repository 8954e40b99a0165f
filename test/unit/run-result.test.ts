/** What `dag status` says of tasks that have not come to their end. */
import { expect, test } from "vitest";
import { runResult } from "../../internal/executor/run-result.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { dag, task } from "../support/dags.ts";
import { failed, TestRun } from "../support/facts.ts";

test("what the attempt before came to is told as that, and not of the one that runs", async () => {
  const run = new TestRun(dag([task("a")]));
  run.outcomes({ ...failed("a", 1, "lost"), worker: "w1" });
  const blobs = new MemoryBlobs();
  const ask = (runningOn?: string) =>
    runResult(run.fold, run.facts, { blobs, now: 0, runningOn: () => runningOn });
  const error = { reason: "lost", message: "Task 'a', attempt 1: boom" };
  expect((await ask()).tasks.a).toMatchObject({ state: "retrying", worker: "w1", durationMs: 1, error });
  expect((await ask("w2")).tasks.a).toEqual({ state: "running", attempts: 2, worker: "w2", error });
});
