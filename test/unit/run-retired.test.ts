/** A retired run is over for good, however much of it the log still holds. */
import { expect, test } from "vitest";
import type { Fact, LoggedFact } from "../../internal/core/facts.ts";
import { dag, task } from "../support/dags.ts";
import { completed, failed, newFold, RUN_SEQ, statesOf, TestRun } from "../support/facts.ts";

const CHAIN = dag([task("a"), task("b", { dependsOn: ["a"] })]);
const FINISHED: Fact = { kind: "finished", gen: 0, state: "failed", durationMs: 20 };
const RETIRED: Fact = { kind: "retired", gen: 1, state: "failed", durationMs: 20 };
const RETRY: Fact = { kind: "retry", gen: 1, tasks: [] };

function ended(): TestRun {
  const run = new TestRun(CHAIN);
  run.outcomes(completed("a"));
  run.outcomes(failed("b"));
  run.add(FINISHED);
  return run;
}

test("what follows is void: retries, outcomes, cancels", () => {
  const run = ended();
  const states = run.states();
  expect(run.add(RETIRED).ended).toBe(false);
  expect(run.fold).toMatchObject({ end: "failed", announced: true, retired: true });
  expect(run.add({ ...RETRY, gen: 2 }).owed).toEqual([]);
  expect(run.outcomes(completed("b")).void).toHaveLength(1);
  run.add({ kind: "cancel", gen: 0, cause: "request", message: "" });
  expect(run.fold).toMatchObject({ end: "failed", gen: 0, retired: true });
  expect(run.states()).toEqual(states);
});

test("any part of its facts makes it over: the log lets go of them one after the other", () => {
  const facts = [...ended().facts];
  const time = facts.at(-1)?.time ?? 0;
  const retired: LoggedFact = { seq: RUN_SEQ + 10, time, runId: "run", partition: 0, fact: RETIRED };
  const late: LoggedFact = { ...retired, seq: RUN_SEQ + 11, fact: RETRY };
  for (let subset = 0; subset < 2 ** facts.length; subset++) {
    const fold = newFold(CHAIN);
    for (const [i, fact] of facts.entries()) if ((subset & (1 << i)) > 0) fold.apply(fact);
    fold.apply(retired);
    fold.apply(late);
    expect(fold).toMatchObject({ end: "failed", announced: true, retired: true, gen: 0 });
    expect(fold.owed()).toEqual([]);
    expect(Object.values(statesOf(fold))).not.toContain("pending");
  }
});

test("who waits for a later generation hears of its end, also when the retries are gone", () => {
  const fold = newFold(CHAIN);
  const retired: Fact = { ...RETIRED, gen: 3 };
  fold.apply({ seq: RUN_SEQ + 10, time: 0, runId: "run", partition: 0, fact: retired });
  expect(fold).toMatchObject({ gen: 2, end: "failed", retired: true });
});

test("a run that was retried in time goes on from where its generation began", () => {
  const run = ended();
  expect(run.fold.begunSeq).toBe(RUN_SEQ);
  expect(run.add(RETRY).owed).toHaveLength(1);
  expect(run.fold).toMatchObject({ begunSeq: run.facts.at(-1)?.seq, announced: false, end: undefined });
});

test("an announcement that is before what it announces, as in a log that lost its end, counts", () => {
  const run = new TestRun(CHAIN);
  run.add({ ...FINISHED, state: "completed" });
  expect(run.fold.announced).toBe(false);
  run.outcomes(completed("a"), completed("b"));
  expect(run.fold).toMatchObject({ end: "completed", announced: true });
});
