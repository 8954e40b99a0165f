/** The history, the checkpoints, and what lets go of facts in the log. */
import { describe, expect, it } from "vitest";
import type { Fact, LoggedFact } from "../../internal/core/facts.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import { Collected } from "../support/collected.ts";
import type { MakeFixture } from "./fixture.ts";
import { COMPLETED, FAILED, outcomes, RUN, SUBMITTED } from "./samples.ts";

const FINISHED: Fact = { kind: "finished", gen: 0, state: "failed", durationMs: 12.5 };
const RETIRED: Fact = { kind: "retired", gen: 1, state: "failed", durationMs: 12.5 };
const EVERY_KIND: Fact[] = [
  SUBMITTED,
  outcomes(1, { items: [COMPLETED, FAILED] }),
  { kind: "cancel", gen: 0, cause: "request", message: "two\nlines, and ünïcode" },
  FINISHED,
  { kind: "retry", gen: 1, tasks: ["a"] },
  { ...RETIRED, gen: 2 },
];

function logged(facts: readonly Fact[], run = RUN): LoggedFact[] {
  return facts.map((fact, i) => ({ ...run, seq: 100 + i, time: 1_700_000_000_000 + i, fact }));
}

/** An output that does not get smaller by compression. */
function large(bytes: number): Fact {
  let state = 1;
  const noise = Array.from({ length: bytes }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCodePoint(33 + (state % 90));
  });
  return outcomes(9, { items: [{ ...COMPLETED, output: { inline: { noise: noise.join("") } } }] });
}

export function historySuite(name: string, make: MakeFixture): void {
  describe(`history: ${name}`, () => {
    const key = { ...RUN, seq: 100 };

    it("gives back every kind of fact as the log had it", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      expect(await reader.history.get(key)).toBeUndefined();
      await writer.history.put(key, logged(EVERY_KIND));
      expect(await reader.history.get(key)).toEqual(logged(EVERY_KIND));
      expect(await reader.history.get({ ...key, seq: 101 })).toBeUndefined();
      expect(await reader.history.get({ ...key, runId: "run-2" })).toBeUndefined();
    });

    it("keeps a record that is larger than a message", async () => {
      await using fixture = await make();
      const { history } = await fixture.open();
      const facts = logged([SUBMITTED, large(3_000_000), FINISHED]);
      await history.put(key, facts);
      expect(await history.get(key)).toEqual(facts);
      await history.remove(key);
      expect(await history.get(key)).toBeUndefined();
      expect((await history.size()).records).toBe(0);
    });

    it("has the newer record of a run that is recorded again (H2)", async () => {
      await using fixture = await make();
      const { history } = await fixture.open();
      await history.put(key, logged([SUBMITTED, large(2_000_000)]));
      await history.put(key, logged(EVERY_KIND));
      expect(await history.get(key)).toEqual(logged(EVERY_KIND));
    });

    it("tells which records are the oldest, and what they take", async () => {
      await using fixture = await make();
      const { history } = await fixture.open();
      expect(await history.oldest(10)).toEqual([]);
      const keys = ["run-1", "run-2", "run-3"].map((runId, i) => ({ runId, partition: i, seq: 10 + i }));
      for (const each of keys) await history.put(each, logged(EVERY_KIND, each));
      expect(await history.oldest(10)).toEqual(
        keys.map((each) => ({
          ...each,
          position: expect.any(Number),
          bytes: expect.any(Number),
          storedAt: expect.any(Number),
        })),
      );
      const two = await history.oldest(2);
      expect(two.map(({ runId }) => runId)).toEqual(["run-1", "run-2"]);
      expect((await history.oldest(2, two[1]?.position)).map(({ runId }) => runId)).toEqual(["run-3"]);
      const { records, bytes } = await history.size();
      expect(records).toBe(3);
      expect(bytes).toBeGreaterThan(100);
      await history.remove(keys[0] ?? key);
      await history.remove(keys[0] ?? key);
      expect((await history.oldest(10)).map(({ runId }) => runId)).toEqual(["run-2", "run-3"]);
    });
  });
}

export function checkpointsSuite(name: string, make: MakeFixture): void {
  describe(`checkpoints: ${name}`, () => {
    it("keeps the newest of each share", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      expect(await reader.checkpoints.get(3)).toBeUndefined();
      const first = { from: 7, anchor: { seq: 9, time: 1_700_000_000_123 } };
      const second = { from: 8, anchor: { seq: 12, time: 1_700_000_000_456 } };
      await writer.checkpoints.put(3, first);
      expect(await reader.checkpoints.get(3)).toEqual(first);
      await writer.checkpoints.put(3, second);
      await writer.checkpoints.put(4, first);
      expect(await reader.checkpoints.get(3)).toEqual(second);
      expect(await reader.checkpoints.get(4)).toEqual(first);
      expect(await reader.checkpoints.get(5)).toBeUndefined();
    });
  });
}

/** What the retirement of runs needs of the log: L2 for `retired`, L5. */
export function removalSuite(name: string, make: MakeFixture): void {
  const write = async (log: RunLog, facts: readonly Fact[], runId = RUN.runId): Promise<number[]> => {
    const seqs: number[] = [];
    for (const fact of facts) {
      const answer = await log.append({ ...RUN, runId }, fact);
      seqs.push(answer.stored ? answer.seq : 0);
    }
    return seqs;
  };

  describe(`removal from the log: ${name}`, () => {
    it("takes either a retry or the word that there is none any more (L2)", async () => {
      await using fixture = await make();
      const [first, second] = [await fixture.open(), await fixture.open()];
      const retry: Fact = { kind: "retry", gen: 1, tasks: [] };
      const races = Array.from({ length: 50 }, async (_, n) => {
        const run = { ...RUN, runId: `run-${n}` };
        const both = [first.log.append(run, retry), second.log.append(run, RETIRED)];
        return (await Promise.all(both)).filter(({ stored }) => stored).length;
      });
      expect(new Set(await Promise.all(races))).toEqual(new Set([1]));
    });

    it("lets go of what is removed and of nothing else (L5)", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      const mine = await write(writer.log, [SUBMITTED, outcomes(1), outcomes(2), FINISHED, RETIRED]);
      const other = await write(writer.log, [SUBMITTED, outcomes(1)], "other");
      expect(await reader.log.positionsOf(RUN.runId)).toEqual(mine);
      const [a = 0, b = 0, c = 0, d = 0, e = 0] = mine;
      await reader.log.remove([b, c, d]);
      await reader.log.remove([c, d, 1_000_000]);
      expect((await writer.log.factsOf(RUN.runId)).map(({ seq }) => seq)).toEqual([a, e]);
      expect(await writer.log.positionsOf(RUN.runId)).toEqual([a, e]);
      expect(await writer.log.positionsOf("other")).toEqual(other);
      const followed = new Collected<LoggedFact>();
      const follower = await reader.log.follow({ from: 1 }, followed.add);
      await follower.reached((await reader.log.end()).seq);
      expect(followed.items.map(({ seq }) => seq)).toEqual([a, e, ...other]);
      await follower.stop();
      // What was removed may be written again; what stands is refused as ever.
      expect(await writer.log.append(RUN, outcomes(1))).toMatchObject({ stored: true });
      expect(await writer.log.append(RUN, SUBMITTED)).toEqual({ stored: false });
      await reader.log.remove(await reader.log.positionsOf(RUN.runId));
      expect(await writer.log.factsOf(RUN.runId)).toEqual([]);
      expect(await writer.log.append(RUN, SUBMITTED)).toMatchObject({ stored: true });
    });

    it("tells how much it holds", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      expect(await log.end()).toMatchObject({ facts: 0, fill: 0 });
      const [first = 0] = await write(log, [SUBMITTED, outcomes(1), FINISHED]);
      expect(await log.end()).toMatchObject({ facts: 3, fill: 0 });
      await log.remove([first]);
      expect(await log.end()).toMatchObject({ facts: 2, fill: 0 });
    });

    it("tells which runs have ended, from a position on and so many", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const ends: number[] = [];
      for (let n = 0; n < 5; n++) {
        ends.push((await write(log, [SUBMITTED, outcomes(1), FINISHED], `run-${n}`))[2] ?? 0);
      }
      const told = async (from: number, limit: number): Promise<number[]> =>
        (await log.ends(from, limit)).map(({ seq }) => seq);
      expect(await told(1, 100)).toEqual(ends);
      expect(await told(1, 2)).toEqual(ends.slice(0, 2));
      expect(await told((ends[1] ?? 0) + 1, 2)).toEqual(ends.slice(2, 4));
      expect(await told((ends[4] ?? 0) + 1, 2)).toEqual([]);
      expect((await log.ends(1, 1))[0]).toMatchObject({ runId: "run-0", fact: FINISHED });
    });
  });
}
