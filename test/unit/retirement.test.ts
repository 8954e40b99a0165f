/** Runs that ended some time ago go from the log into the history, and in the end out of that. */
import { beforeEach, describe, expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Fact } from "../../internal/core/facts.ts";
import { followRun } from "../../internal/executor/follow-run.ts";
import { cancelRun, prepareRetry } from "../../internal/executor/inspection.ts";
import type { RetirementOptions } from "../../internal/executor/retirement.ts";
import { listRuns } from "../../internal/executor/run-list.ts";
import type { Blobs } from "../../internal/ports/blobs.ts";
import type { History } from "../../internal/ports/history.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import { completed } from "../support/facts.ts";
import { overriding } from "../support/overriding.ts";
import { CHAIN, HOUR, RetirementRig, TOMBSTONE } from "../support/retirement-rig.ts";

let rig: RetirementRig;
beforeEach(() => {
  rig = new RetirementRig();
});

describe("a retired run", () => {
  test("leaves two facts in the log, and looks as it did before to all who ask", async () => {
    await rig.ended("run-1");
    const before = await rig.inspect("run-1");
    const follow = (): Promise<unknown> =>
      followRun(
        {
          runId: "run-1",
          view: undefined,
          signal: new AbortController().signal,
          observerFor: () => ({ observe: () => undefined }),
        },
        rig.ports,
      );
    const followed = await follow();
    const list = await listRuns({ limit: 10 }, rig.ports);
    await rig.clock.advance(HOUR - 1_000);
    await rig.pass(rig.retirement());
    expect(await rig.kinds("run-1")).toHaveLength(6);
    await rig.clock.advance(1_000);
    await rig.pass(rig.retirement());
    expect(await rig.kinds("run-1")).toEqual(TOMBSTONE);
    expect(await rig.inspect("run-1")).toEqual(before);
    expect(before?.tasks).toMatchObject({
      a: { state: "completed", output: { large: "run-1" } },
      b: { state: "failed", attempts: 3 },
    });
    expect(await follow()).toEqual(followed);
    expect(await listRuns({ limit: 10 }, rig.ports)).toEqual(list);
    expect(await cancelRun("run-1", rig.ports)).toBe("already-ended");
    expect(rig.seen).toEqual([{ kind: "runs-retired", runs: 1, facts: 5 }]);
  });

  test("keeps its id to itself, and is not retried", async () => {
    await rig.ended("run-1");
    const inTime = await prepareRetry("run-1", [], rig.ports);
    await rig.clock.advance(HOUR);
    await rig.pass(rig.retirement());
    await expect(rig.submit("run-1")).rejects.toThrow("run id 'run-1' was used before");
    const late = "run 'run-1' ended too long ago to go on: it was retired, and only its history is kept";
    await expect(prepareRetry("run-1", [], rig.ports)).rejects.toThrow(late);
    await expect(inTime.admit()).rejects.toThrow(`run '${CHAIN.name}' again instead`);
    expect(await rig.kinds("run-1")).toEqual(TOMBSTONE);
  });

  test("is not retried in a log that was put back to a state without it", async () => {
    await rig.ended("run-1");
    const retry = await prepareRetry("run-1", [], rig.ports);
    const { log } = rig.ports;
    await log.remove(await log.positionsOf("run-1"));
    await expect(retry.admit()).rejects.toThrow("the log was put back to an older state");
  });

  test("is not disturbed by what comes late, and that is swept", async () => {
    const run = await rig.ended("run-1");
    await rig.clock.advance(HOUR);
    const retiring = rig.retirement();
    await rig.pass(retiring);
    const before = await rig.inspect("run-1");
    const late: Fact[] = [
      { kind: "outcomes", runSeq: run.seq, items: [completed("b", 3)], queue: "q", incarnation: "z", n: 1 },
      { kind: "finished", gen: 0, state: "completed", durationMs: 1 },
    ];
    for (const fact of late) await rig.cluster.log.append(run, fact);
    expect(await rig.inspect("run-1")).toEqual(before);
    retiring.late("run-1");
    await rig.pass(retiring);
    expect(await rig.kinds("run-1")).toEqual(TOMBSTONE);
    expect(await rig.inspect("run-1")).toEqual(before);
  });
});

describe("a run stays in the log", () => {
  test("while it goes on, also if it was retried", async () => {
    const run = await rig.ended("run-1");
    await rig.submit("run-2");
    await rig.cluster.log.append(run, { kind: "retry", gen: 1, tasks: [] });
    await rig.clock.advance(2 * HOUR);
    await rig.pass(rig.retirement());
    expect(await rig.kinds("run-1")).toHaveLength(7);
    expect(await rig.kinds("run-2")).toEqual(["submitted"]);
    expect((await rig.cluster.history.size()).records).toBe(0);
  });

  test("when a retry comes between its record and its retirement", async () => {
    const run = await rig.ended("run-1");
    await rig.clock.advance(HOUR);
    const history = overriding<History>(rig.cluster.history, {
      put: async (...args) => {
        await rig.cluster.history.put(...args);
        await rig.cluster.log.append(run, { kind: "retry", gen: 1, tasks: [] });
      },
    });
    await rig.pass(rig.retirement({ history }));
    expect(await rig.kinds("run-1")).not.toContain("retired");
    expect(await rig.kinds("run-1")).toHaveLength(7);
    expect(await rig.inspect("run-1")).toMatchObject({ state: "running" });
  });

  test("while another executor holds its share, or it is at hand", async () => {
    await rig.ended("run-1");
    await rig.clock.advance(HOUR);
    await rig.pass(rig.retirement({ owns: () => false }));
    await rig.pass(rig.retirement({ goesOn: (runId) => runId === "run-1" }));
    expect(await rig.kinds("run-1")).toHaveLength(6);
  });
});

test("who has lost the share since it looked writes no record: another one may be newer", async () => {
  await rig.ended("run-1");
  await rig.clock.advance(HOUR);
  let looks = 0;
  await rig.pass(rig.retirement({ owns: () => ++looks === 1 }));
  expect((await rig.cluster.history.size()).records).toBe(0);
  expect(await rig.kinds("run-1")).toHaveLength(6);
});

test("a retry that had no effect does not keep a run from being retired", async () => {
  const run = await rig.ended("run-1");
  await rig.cluster.log.append(run, { kind: "retry", gen: 1, tasks: ["unknown"] });
  await rig.clock.advance(HOUR);
  await rig.pass(rig.retirement());
  expect(await rig.kinds("run-1")).toEqual(TOMBSTONE);
  expect(await rig.inspect("run-1")).toMatchObject({ state: "failed" });
});

/** Everything that it writes or removes, one by one; at the n-th its process dies. */
function dying(n: number): { more: Partial<RetirementOptions>; isDead: () => boolean } {
  let left = n;
  const live = async <T>(act: () => Promise<T>): Promise<T> => {
    if (left-- > 0) return act();
    throw new Error("dead");
  };
  const { log, history, blobs } = rig.cluster;
  return {
    more: {
      log: overriding<RunLog>(log, {
        append: (run, fact) => live(() => log.append(run, fact)),
        remove: async (seqs) => {
          for (const seq of seqs) await live(() => log.remove([seq]));
        },
      }),
      history: overriding<History>(history, {
        put: (run, facts) => live(() => history.put(run, facts)),
        remove: (run) => live(() => history.remove(run)),
      }),
      blobs: overriding<Blobs>(blobs, { removeRun: (runId) => live(() => blobs.removeRun(runId)) }),
    },
    isDead: () => left < 0,
  };
}

describe("whoever comes next goes on from any point at which it died", () => {
  test("of a retirement, and the run looks the same all the while", async () => {
    for (let n = 0; ; n++) {
      const runId = `run-${n}`;
      const run = await rig.ended(runId);
      // In the log after the fact by which the run is found again.
      await rig.ports.log.append(run, { kind: "cancel", gen: 0, cause: "request", message: "too late" });
      const before = await rig.inspect(runId);
      await rig.clock.advance(HOUR);
      const { more, isDead } = dying(n);
      await rig.pass(rig.retirement(more));
      expect(await rig.inspect(runId)).toEqual(before);
      await rig.pass(rig.retirement());
      expect(await rig.kinds(runId)).toEqual(TOMBSTONE);
      expect(await rig.inspect(runId)).toEqual(before);
      if (isDead()) continue;
      expect(n).toBe(8);
      return;
    }
  });

  test("of the end of a history", async () => {
    for (let n = 0; ; n++) {
      const runId = `run-${n}`;
      await rig.ended(runId);
      await rig.clock.advance(HOUR);
      await rig.pass(rig.retirement());
      await rig.clock.advance(24 * HOUR);
      const { more, isDead } = dying(n);
      await rig.pass(rig.retirement(more));
      await rig.pass(rig.retirement());
      expect(await rig.kinds(runId)).toEqual([]);
      expect(await rig.inspect(runId)).toBeUndefined();
      expect((await rig.cluster.history.size()).records).toBe(0);
      if (isDead()) continue;
      expect(n).toBe(4);
      return;
    }
  });
});

test("a run that cannot be read is told of, and holds up nobody", async () => {
  await rig.ended("run-1");
  await rig.ended("run-2");
  const [first] = await rig.cluster.log.factsOf("run-1");
  if (first?.fact.kind !== "submitted") throw new Error("no submission");
  const unreadable = new StoredDefinitions(rig.cluster.blobs);
  let asked = 0;
  unreadable.get = (ref) => {
    if (++asked === 1) throw new Error("the definition is gone");
    return rig.ports.definitions.get(ref);
  };
  await rig.clock.advance(HOUR);
  const retiring = rig.retirement({ definitions: unreadable });
  await rig.pass(retiring);
  expect(rig.seen).toMatchObject([
    { kind: "trouble", what: "retiring run run-1" },
    { kind: "runs-retired", runs: 1 },
  ]);
  await rig.pass(retiring);
  expect(await rig.kinds("run-1")).toHaveLength(6);
  await rig.clock.advance(HOUR);
  await rig.pass(retiring);
  expect(await rig.kinds("run-1")).toEqual(TOMBSTONE);
});
