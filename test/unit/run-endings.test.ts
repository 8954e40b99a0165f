/** What is done for a run that has ended, on stubs that are as slow as a test wants. */
import { expect, test } from "vitest";
import type { Fact } from "../../internal/core/facts.ts";
import { RunEndings, type RunEndingsOptions } from "../../internal/executor/run-endings.ts";
import { dag, task } from "../support/dags.ts";
import { asLogged, failed, RUN_SEQ, START, submitted, TestRun } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";

test("an end is announced as it was, also when the run goes on before its dead letters are written", async () => {
  const run = new TestRun(dag([task("a")]));
  const appended: Fact[] = [];
  let write = (): void => undefined;
  const slow = new Promise<void>((resolve) => (write = resolve));
  const endings = new RunEndings({
    log: {
      append: async (_run: unknown, fact: Fact) => ({ stored: true, seq: appended.push(fact) }),
      factsOf: async () => run.facts,
    },
    deadLetters: { put: () => slow },
    presence: { command: () => undefined },
    dispatcher: { end: () => ({ attempts: [], sent: Promise.resolve() }) },
    observer: { observe: () => undefined },
    mayAct: () => true,
  } as unknown as RunEndingsOptions);
  for (const attempt of [1, 2, 3]) {
    const { accepted } = run.outcomes(failed("a", attempt, "lost"));
    endings.letters.accepted(run.fold, accepted);
  }
  expect(run.fold.end).toBe("crashed");
  endings.begin(run.fold);
  run.add({ kind: "retry", gen: 1, tasks: [] });
  endings.forget(run.fold);
  expect(run.fold.end).toBeUndefined();
  write();
  await until(() => appended.length > 0);
  expect(appended).toMatchObject([{ kind: "finished", gen: 0, state: "crashed" }]);
});

test("a dead letter that could not be written is tried again, and the end is announced after it", async () => {
  const run = new TestRun(dag([task("a")]));
  const clock = new ManualClock();
  const done: string[] = [];
  let reads = 0;
  const endings = new RunEndings({
    log: {
      append: async (_run: unknown, { kind }: Fact) => ({ stored: true, seq: done.push(kind) }),
      factsOf: async () => {
        if (++reads <= 2) throw new Error("the server has no answer");
        return [asLogged(submitted(run.dag), RUN_SEQ, START), ...run.facts];
      },
    },
    deadLetters: { put: async ({ kind }: { readonly kind: string }) => void done.push(kind) },
    presence: { command: () => undefined },
    dispatcher: { end: () => ({ attempts: [], sent: Promise.resolve() }) },
    observer: { observe: () => undefined },
    clock,
    mayAct: () => true,
  } as unknown as RunEndingsOptions);
  for (const attempt of [1, 2, 3]) {
    const { accepted } = run.outcomes(failed("a", attempt, "lost"));
    endings.letters.accepted(run.fold, accepted);
  }
  endings.begin(run.fold);
  await clock.advance(9_000);
  expect(done).toEqual([]);
  await clock.advance(2_000);
  expect(done).toEqual(["crashed", "finished"]);
});

test("what is queued of a run that ended while the lease was too old goes once it is renewed", async () => {
  const run = new TestRun(dag([task("a")]));
  let mayAct = false;
  const purged: string[] = [];
  const attempt = { runId: run.fold.runId, task: "a", index: 0, attempt: 1, queue: "default" };
  const endings = new RunEndings({
    log: { append: async () => ({ stored: true, seq: 1 }) },
    presence: { command: () => undefined },
    queue: { purge: async (runId: string) => void purged.push(runId) },
    table: { holderOf: () => undefined },
    dispatcher: { end: () => ({ attempts: [attempt], sent: Promise.resolve() }) },
    observer: { observe: () => undefined },
    mayAct: () => mayAct,
  } as unknown as RunEndingsOptions);
  run.add({ kind: "cancel", gen: 0, cause: "request", message: "" });
  endings.begin(run.fold);
  await Promise.resolve();
  expect(purged).toEqual([]);
  mayAct = true;
  endings.goOn();
  await endings.settled();
  expect(purged).toEqual([run.fold.runId]);
});

test("nothing waits for a lease that is gone", async () => {
  const run = new TestRun(dag([task("a")]));
  const attempt = { runId: run.fold.runId, task: "a", index: 0, attempt: 1, queue: "default" };
  const endings = new RunEndings({
    presence: { command: () => undefined },
    queue: { purge: () => Promise.reject(new Error("another executor holds the lease")) },
    dispatcher: { end: () => ({ attempts: [attempt], sent: Promise.resolve() }) },
    observer: { observe: () => undefined },
    mayAct: () => false,
  } as unknown as RunEndingsOptions);
  endings.begin(run.fold);
  const sweep = endings.sweepOf(run.fold.runId);
  expect(sweep).toBeDefined();
  endings.stop();
  await sweep;
});
