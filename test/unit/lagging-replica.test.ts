/** A run is read from a replica of the log that lags behind what has been seen of it, or goes on while it is read. */
import { expect, test } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { FactsMissing } from "../../internal/executor/load-run.ts";
import { OpenRuns } from "../../internal/executor/open-runs.ts";
import { endResult } from "../../internal/executor/run-result.ts";
import type { Ports } from "../../internal/executor/settings.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { dag, task } from "../support/dags.ts";
import { asLogged, completed, failed, RUN_SEQ, START, submitted, TestRun } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";

const chain = dag([task("a"), task("b", { dependsOn: ["a"] })]);

/** A run with a log that shows `lag` of its facts less than it holds. */
class Shown extends TestRun {
  readonly clock = new ManualClock();
  readonly ports: Ports;
  lag = 0;
  /** While outcomes are read. */
  onRead: () => void = () => undefined;

  constructor() {
    super(chain, { lossCap: 0 });
    const log = {
      read: async (seqs: readonly number[]) => {
        this.onRead();
        return this.all.filter(({ seq }) => seqs.includes(seq));
      },
      factsOf: async () => this.all.slice(0, this.all.length - this.lag),
    };
    this.ports = {
      log,
      history: { get: async () => undefined },
      definitions: { get: () => this.fold.graph },
      blobs: new MemoryBlobs(),
      clock: this.clock,
    } as unknown as Ports;
  }

  get all(): LoggedFact[] {
    const plain = submitted(chain);
    const first = { ...plain, defaults: { ...plain.defaults, lossCap: 0 } };
    return [asLogged(first, RUN_SEQ, START), ...this.facts];
  }
  get newest(): LoggedFact {
    const last = this.all.at(-1);
    if (last === undefined) throw new Error("no facts");
    return last;
  }
  retry(gen: number): void {
    this.add({ kind: "retry", gen, tasks: [] });
  }
}

test("the end of a run is told that goes on while its outcomes are read", async () => {
  const run = new Shown();
  run.outcomes(completed("a"));
  run.outcomes(failed("b"));
  run.onRead = () => {
    if (run.fold.gen === 0) run.retry(1);
  };
  const told = await endResult(run.fold, run.newest, run.ports);
  expect(told).toMatchObject({
    state: "failed",
    tasks: { a: { state: "completed" }, b: { state: "failed" } },
  });
  expect(run.fold.end).toBeUndefined();
});

test("the end of each generation is told, though a retry of the next one came before it and had no effect", async () => {
  const run = new Shown();
  run.retry(1);
  run.outcomes(failed("a", 1, "lost"));
  expect(await endResult(run.fold, run.newest, run.ports)).toMatchObject({ state: "crashed" });
});

test("the end is told that the replica shows a little later", async () => {
  const run = new Shown();
  run.outcomes(failed("a", 1, "lost"));
  run.lag = 1;
  const telling = endResult(run.fold, run.newest, run.ports);
  await run.clock.advance(100);
  run.lag = 0;
  await run.clock.advance(100);
  expect(await telling).toMatchObject({ state: "crashed", tasks: { a: { state: "crashed" } } });
});

test("an end that the log never shows again is told as that", async () => {
  const run = new Shown();
  run.outcomes(failed("a", 1, "lost"));
  run.lag = 1;
  const telling = endResult(run.fold, run.newest, run.ports).catch((error: unknown) => error);
  await run.clock.advance(10_000);
  expect(await telling).toBeInstanceOf(FactsMissing);
});

test("a run that is retried is at hand with all that was before", async () => {
  const run = new Shown();
  run.outcomes(completed("a"));
  run.add({ kind: "cancel", gen: 0, cause: "request", message: "" });
  run.retry(1);
  const folded: RunFold[] = [];
  const open = new OpenRuns({
    ...run.ports,
    observer: { observe: () => undefined },
    onFact: (fold, logged) => {
      fold.apply(logged);
      folded.push(fold);
    },
    onBegun: () => undefined,
    onOver: () => undefined,
    onLoaded: () => undefined,
    sweepOf: () => undefined,
  });
  // Neither the cancel nor the retry itself.
  run.lag = 2;
  open.take(run.newest);
  await run.clock.advance(100);
  expect(folded).toEqual([]);
  run.lag = 0;
  await run.clock.advance(100);
  expect(folded.map(({ gen, end }) => ({ gen, end }))).toEqual([{ gen: 1, end: undefined }]);
});
