/** The log and the history keep within their bounds. */
import { beforeEach, describe, expect, test } from "vitest";
import { prepareRetry } from "../../internal/executor/inspection.ts";
import { prepareRun } from "../../internal/executor/submission.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import { NotStored } from "../../internal/ports/storing.ts";
import { dag, task } from "../support/dags.ts";
import { overriding } from "../support/overriding.ts";
import { CHAIN, HOUR, RETENTION, RetirementRig, SUBMISSION, TOMBSTONE } from "../support/retirement-rig.ts";

let rig: RetirementRig;
beforeEach(() => {
  rig = new RetirementRig();
});

describe("the history", () => {
  test("lets go of a run with its values, its tombstone and its id", async () => {
    const run = await rig.ended("run-1");
    await rig.clock.advance(HOUR);
    await rig.pass(rig.retirement());
    await rig.clock.advance(23 * HOUR);
    await rig.pass(rig.retirement());
    expect(await rig.kinds("run-1")).toEqual(TOMBSTONE);
    await rig.clock.advance(HOUR);
    await rig.pass(rig.retirement());
    expect(await rig.kinds("run-1")).toEqual([]);
    expect(rig.seen.at(-1)).toEqual({ kind: "history-dropped", runs: 1 });
    const ref = { name: "out-a-0-1", bytes: 1, chunks: 1 };
    await expect(rig.cluster.blobs.get({ runId: "run-1" }, ref)).rejects.toThrow("gone");
    // The id may be used again, also by a DAG of another partition.
    const other = await rig.submit("run-1", dag([task("a")], { name: "other" }));
    expect(other.partition).not.toBe(run.partition);
  });

  test("keeps to its number of runs and of bytes, the newest stay", async () => {
    for (const n of [1, 2, 3, 4, 5, 6]) await rig.ended(`run-${n}`);
    await rig.clock.advance(HOUR);
    await rig.pass(rig.retirement());
    await rig.pass(rig.retirement({ retention: { ...RETENTION, historyRuns: 4 } }));
    expect((await rig.cluster.history.oldest(10)).map(({ runId }) => runId)).toEqual(
      [3, 4, 5, 6].map((n) => `run-${n}`),
    );
    const { bytes } = await rig.cluster.history.size();
    await rig.pass(rig.retirement({ retention: { ...RETENTION, historyBytes: bytes / 2 } }));
    expect((await rig.cluster.history.oldest(10)).map(({ runId }) => runId)).toEqual(["run-5", "run-6"]);
    expect(await rig.kinds("run-4")).toEqual([]);
    expect(await rig.kinds("run-5")).toEqual(TOMBSTONE);
  });

  test("leaves a run alone that has an older one's id", async () => {
    await rig.ended("run-1");
    await rig.clock.advance(HOUR);
    await rig.pass(rig.retirement());
    const [entry] = await rig.cluster.history.oldest(1);
    // All but the record is gone, as after a crash, and the id was used again.
    await rig.cluster.log.remove(await rig.cluster.log.positionsOf("run-1"));
    await rig.cluster.blobs.removeRun("run-1");
    await rig.ended("run-1");
    const before = await rig.inspect("run-1");
    expect(entry).toBeDefined();
    await rig.clock.advance(24 * HOUR);
    await rig.pass(rig.retirement({ retention: { ...RETENTION, retireAfterMs: 100 * HOUR } }));
    expect((await rig.cluster.history.size()).records).toBe(0);
    expect(await rig.inspect("run-1")).toEqual(before);
  });
});

describe("a log that is short of room", () => {
  /** The log as one that is so full. */
  function full(fill: () => number): RunLog {
    return overriding<RunLog>(rig.cluster.log, {
      end: async () => ({ ...(await rig.cluster.log.end()), fill: fill() }),
    });
  }

  test("is cleared of runs that have just ended, the first ones first", async () => {
    const runIds = Array.from({ length: 16 }, (_, n) => `run-${n}`);
    for (const runId of runIds) await rig.ended(runId);
    const sizes = (): Promise<number[]> =>
      Promise.all(runIds.map(async (runId) => (await rig.kinds(runId)).length));
    await rig.pass(rig.retirement({ retention: { ...RETENTION, maxFacts: 70 } }));
    const half = [...Array.from({ length: 8 }, () => 2), ...Array.from({ length: 8 }, () => 6)];
    expect(await sizes()).toEqual(half);
    // Tombstones do not count: there is nothing to be gained.
    await rig.pass(rig.retirement({ retention: { ...RETENTION, maxFacts: 50 } }));
    expect(await sizes()).toEqual(half);
    await rig.pass(rig.retirement({ log: full(() => 0.6) }));
    expect(new Set(await sizes())).toEqual(new Set([2]));
  });

  test("gives up the oldest history where nothing else helps", async () => {
    for (const n of [1, 2, 3, 4]) await rig.ended(`run-${n}`);
    await rig.pass(rig.retirement({ log: full(() => 0.69) }));
    const left = await Promise.all([1, 2, 3, 4].map((n) => rig.kinds(`run-${n}`)));
    expect(left.map(({ length }) => length)).toEqual([0, 2, 2, 2]);
  });

  test("says which run was not stored when nobody tells whether there is room", async () => {
    const silent = overriding<RunLog>(rig.cluster.log, {
      end: async () => {
        throw new NotStored({ what: "anything", why: "the server has no answer", isOpen: false });
      },
    });
    const options = { ...rig.ports, ...SUBMISSION, log: silent };
    await expect(prepareRun({ dag: CHAIN, runId: "run-1" }, options).admit()).rejects.toThrow(
      "run 'run-1' was not stored: the server has no answer",
    );
  });

  test("takes no new run from 70 % on, and no retry, but outcomes", async () => {
    let fill = 0.69;
    const log = full(() => fill);
    const options = { ...rig.ports, ...SUBMISSION, log };
    await prepareRun({ dag: CHAIN, runId: "run-1" }, options).admit();
    const run = await rig.ended("run-2");
    const retry = await prepareRetry("run-2", [], { ...rig.ports, log });
    fill = 0.7;
    const refused = "70 % of the room for runs, or for their values, is taken";
    await expect(prepareRun({ dag: CHAIN, runId: "run-3" }, options).admit()).rejects.toThrow(refused);
    await expect(prepareRun({ dag: CHAIN }, options).admit()).rejects.toMatchObject({ code: "LOG_FULL" });
    await expect(retry.admit()).rejects.toThrow(refused);
    expect(await log.append(run, { kind: "cancel", gen: 0, cause: "request", message: "" })).toMatchObject({
      stored: true,
    });
  });
});
