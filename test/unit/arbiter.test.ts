/** What an executor answers a worker about copies that it cannot trust. */
import { beforeEach, expect, test } from "vitest";
import type { AttemptOfRun } from "../../internal/core/attempt.ts";
import { Arbiter } from "../../internal/executor/arbiter.ts";
import { MemoryReferee } from "../../internal/memory/referee.ts";
import type { Ruling } from "../../internal/ports/referee.ts";
import { dag, task } from "../support/dags.ts";
import { completed, RUN_SEQ, TestRun } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";

let clock: ManualClock;
let referee: MemoryReferee;
let arbiter: Arbiter;
let run: TestRun;
/** Incarnations by task. */
let holders: Map<string, string>;
/** When, by task. */
let givenBack: Map<string, number>;
/** Positions that were asked for; the log ends at 9. */
let folded: number[];
let fold: () => Promise<void>;

beforeEach(async () => {
  clock = new ManualClock();
  referee = new MemoryReferee();
  run = new TestRun(dag([task("a"), task("b")]));
  holders = new Map();
  givenBack = new Map();
  folded = [];
  fold = async () => undefined;
  arbiter = new Arbiter({
    share: 3,
    referee,
    clock,
    log: { end: async () => ({ seq: 9, facts: 9, fill: 0, time: 0 }) },
    folded: async (seq) => {
      folded.push(seq);
      await fold();
    },
    runOf: (runId) => (runId === run.fold.runId ? run.fold : undefined),
    holderOf: ({ task: id }) => holders.get(id),
    givenBackAt: ({ task: id }) => givenBack.get(id),
  });
  await arbiter.start();
});

function doubtful(id: string, more: Partial<AttemptOfRun> = {}): AttemptOfRun {
  return { runId: "run", task: id, index: 0, attempt: 1, runSeq: RUN_SEQ, ...more };
}

/** The answer to a worker `w-1` once reports have come in. */
async function ask(...attempts: AttemptOfRun[]): Promise<readonly Ruling[] | undefined> {
  const asking = referee.ask(3, { incarnation: "w-1", attempts });
  await clock.advance(2_000);
  return asking;
}

test("what is current may run, unless another holds it; what is not is over", async () => {
  holders = new Map([["b", "w-2"]]);
  const others = [doubtful("a", { runSeq: 8 }), doubtful("a", { runId: "x" })];
  expect(await ask(doubtful("a"), doubtful("b"), ...others)).toEqual(["run", "held", "over", "over"]);
  holders = new Map([["b", "w-1"]]);
  run.outcomes(completed("a"));
  expect(await ask(doubtful("a"), doubtful("b"))).toEqual(["over", "run"]);
});

test("what is yet to come, in a log that was put back, is left alone until it does", async () => {
  expect(await ask(doubtful("a", { attempt: 2 }))).toEqual(["held"]);
});

test("of two workers that ask about copies of the same attempt one may run it", async () => {
  await clock.advance(2_000);
  const asks = (incarnation: string): Promise<readonly Ruling[] | undefined> =>
    referee.ask(3, { incarnation, attempts: [doubtful("a")] });
  expect(await Promise.all([asks("w-1"), asks("w-2")])).toEqual([["run"], ["held"]]);
  expect(await asks("w-1")).toEqual(["run"]);
  // The one that was told may have died before it could say that it holds it.
  await clock.advance(6_000);
  expect(await asks("w-2")).toEqual(["run"]);
  expect(await asks("w-1")).toEqual(["held"]);
});

test("who was told, has said so and let it go again, keeps nobody from running it", async () => {
  await clock.advance(2_000);
  const asks = (incarnation: string): Promise<readonly Ruling[] | undefined> =>
    referee.ask(3, { incarnation, attempts: [doubtful("a")] });
  expect(await asks("w-1")).toEqual(["run"]);
  holders.set("a", "w-1");
  arbiter.claimed(doubtful("a"));
  expect(await asks("w-2")).toEqual(["held"]);
  holders.clear();
  expect(await asks("w-2")).toEqual(["run"]);
  expect(await asks("w-1")).toEqual(["held"]);
});

test("the log is folded to its end before anything is said", async () => {
  let reach = (): void => undefined;
  fold = () => new Promise((resolve) => (reach = resolve));
  const asking = ask(doubtful("a"));
  await clock.advance(5_000);
  expect(folded).toEqual([9]);
  run.outcomes(completed("a"));
  reach();
  expect(await asking).toEqual(["over"]);
});

test("workers have time to say what they hold, at the beginning and after a reconnect", async () => {
  const atFirst = referee.ask(3, { incarnation: "w-1", attempts: [doubtful("a")] });
  await clock.advance(500);
  holders.set("a", "w-2");
  await clock.advance(1_000);
  expect(await atFirst).toEqual(["held"]);
  holders.clear();
  expect(await referee.ask(3, { incarnation: "w-1", attempts: [doubtful("a")] })).toEqual(["run"]);
  arbiter.reportsAsked();
  const after = referee.ask(3, { incarnation: "w-1", attempts: [doubtful("a")] });
  await clock.advance(500);
  holders.set("a", "w-2");
  await clock.advance(1_000);
  expect(await after).toEqual(["held"]);
});

test("it answers for its share alone, and once it is stopped not even who has asked before", async () => {
  expect(await ask(doubtful("a"))).toEqual(["run"]);
  expect(await referee.ask(4, { incarnation: "w-1", attempts: [doubtful("a")] })).toBeUndefined();
  let reach = (): void => undefined;
  fold = () => new Promise((resolve) => (reach = resolve));
  const asking = ask(doubtful("a"));
  await clock.advance(0);
  await arbiter.stop();
  reach();
  expect(await asking).toBeUndefined();
  expect(await ask(doubtful("a"))).toBeUndefined();
});

test("who was told to run a copy and has given it back stands in nobody's way", async () => {
  await clock.advance(2_000);
  const asks = (incarnation: string): Promise<readonly Ruling[] | undefined> =>
    referee.ask(3, { incarnation, attempts: [doubtful("a")] });
  givenBack.set("a", clock.monotonic());
  await clock.advance(100);
  expect(await asks("w-1")).toEqual(["run"]);
  expect(await asks("w-2")).toEqual(["held"]);
  await clock.advance(100);
  givenBack.set("a", clock.monotonic());
  expect(await asks("w-2")).toEqual(["run"]);
  await clock.advance(100);
  expect(await asks("w-1")).toEqual(["held"]);
});
