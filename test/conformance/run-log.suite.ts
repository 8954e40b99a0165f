/** L1 to L4 of ports/run-log.ts. */
import { describe, expect, it } from "vitest";
import type { Cancel, Fact, Finished, LoggedFact } from "../../internal/core/facts.ts";
import { Collected } from "../support/collected.ts";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";
import { COMPLETED, FAILED, outcomes, RUN, SUBMITTED } from "./samples.ts";

const CANCEL: Cancel = { kind: "cancel", gen: 0, cause: "request", message: "not needed" };
const FINISHED: Finished = { kind: "finished", gen: 0, state: "crashed", durationMs: 99.5 };
const EVERY_KIND: Fact[] = [
  SUBMITTED,
  { ...SUBMITTED, params: { ref: { name: "params", bytes: 9, chunks: 1 } }, defaults: { lossCap: 0 } },
  outcomes(1, { items: [COMPLETED, FAILED] }),
  outcomes(2, {
    items: [
      { task: "c", index: 3, attempt: 1, state: "completed", durationMs: 0 },
      {
        task: "d",
        index: 0,
        attempt: 1,
        state: "failed",
        durationMs: 1,
        error: { reason: "lost", message: "" },
      },
    ],
  }),
  CANCEL,
  { ...CANCEL, gen: 1, cause: "time-limit" },
  { kind: "retry", gen: 2, tasks: ["a", "b"] },
  FINISHED,
];

export function runLogSuite(name: string, make: MakeFixture): void {
  describe(`run log: ${name}`, () => {
    it("hands over every kind of fact as it was written, the same to followers and readers", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      const seqs: number[] = [];
      for (const [i, fact] of EVERY_KIND.entries()) {
        const answer = await writer.log.append({ runId: `run-${i}`, partition: i }, fact);
        seqs.push(answer.stored ? answer.seq : 0);
      }
      const followed = new Collected<LoggedFact>();
      const follower = await reader.log.follow({ from: 1 }, followed.add);
      await follower.reached(seqs.at(-1) ?? 0);
      expect(followed.items.map(({ fact }) => fact)).toEqual(EVERY_KIND);
      expect(followed.items.map(({ seq }) => seq)).toEqual(seqs);
      expect(followed.items.map(({ partition }) => partition)).toEqual(EVERY_KIND.map((_, i) => i));

      // One process has them at hand, the other has to ask for them.
      expect(await reader.log.read(seqs)).toEqual(followed.items);
      expect(await writer.log.read(seqs)).toEqual(followed.items);
      for (const [i, fact] of followed.items.entries()) {
        expect(await writer.log.factsOf(`run-${i}`)).toEqual([fact]);
      }
      await follower.stop();
    });

    it("stores nothing that is not wanted any more", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      expect(await log.append(RUN, outcomes(1), { isWanted: () => false })).toEqual({
        stored: false,
        unwanted: true,
      });
      expect(await log.append(RUN, outcomes(2), { isWanted: () => true })).toMatchObject({ stored: true });
      const facts = await log.factsOf(RUN.runId);
      expect(facts.map(({ fact }) => fact)).toEqual([outcomes(2)]);
    });

    it("follows some partitions alone, and tells in which a run is", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      const followed = new Collected<LoggedFact>();
      const follower = await reader.log.follow({ from: 1, partitions: [3, 19, 63] }, followed.add);
      let last = 0;
      for (const partition of [3, 4, 19, 0, 63, 30]) {
        const run = { runId: `run-${partition}`, partition };
        await writer.log.append(run, SUBMITTED);
        const answer = await writer.log.append(run, outcomes(1));
        last = answer.stored ? answer.seq : 0;
      }
      await follower.reached(last);
      expect(followed.items.map(({ runId }) => runId)).toEqual(
        [3, 3, 19, 19, 63, 63].map((partition) => `run-${partition}`),
      );
      expect(await reader.log.partitionOf("run-30")).toBe(30);
      expect(await reader.log.partitionOf("nobody")).toBeUndefined();
      await follower.stop();
    });

    it("has one order for all followers, whoever writes (L1, L4)", async () => {
      await using fixture = await make();
      const processes = [await fixture.open(), await fixture.open()];
      const seen = await Promise.all(
        processes.map(async ({ log }) => {
          const facts = new Collected<LoggedFact>();
          await log.follow({ from: 1 }, facts.add);
          return facts;
        }),
      );
      const writes = processes.flatMap(({ log }, p) =>
        Array.from({ length: 200 }, (_, n) => log.append(RUN, outcomes(n, { incarnation: `w${p}` }))),
      );
      const answers = await Promise.all(writes);
      expect(answers.every(({ stored }) => stored)).toBe(true);
      const orders = await Promise.all(seen.map((facts) => facts.reach(400)));
      expect(orders[0]).toEqual(orders[1]);
      const seqs = (orders[0] ?? []).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(new Set(seqs).size).toBe(400);
    });

    it("takes the first of two writes and refuses the second (L2)", async () => {
      await using fixture = await make();
      const [first, second] = [await fixture.open(), await fixture.open()];
      const facts: Fact[] = [SUBMITTED, CANCEL, FINISHED, outcomes(1)];
      for (const fact of facts) {
        expect(await first.log.append(RUN, fact)).toMatchObject({ stored: true });
        expect(await first.log.append(RUN, fact)).toEqual({ stored: false });
        expect(await second.log.append(RUN, fact)).toEqual({ stored: false });
      }
      const other: Fact[] = [
        { ...CANCEL, gen: 1 },
        { kind: "retry", gen: 1, tasks: [] },
        { ...FINISHED, gen: 1 },
        outcomes(2),
        outcomes(1, { queue: "gpu" }),
        outcomes(1, { incarnation: "worker-2-y" }),
      ];
      for (const fact of other) expect(await second.log.append(RUN, fact)).toMatchObject({ stored: true });
      expect(await first.log.factsOf(RUN.runId)).toHaveLength(facts.length + other.length);
    });

    it("has one winner when two writers race for the same fact (L2)", async () => {
      await using fixture = await make();
      const [first, second] = [await fixture.open(), await fixture.open()];
      const races = Array.from({ length: 300 }, async (_, n) => {
        const fact = outcomes(n);
        const both = [first.log.append(RUN, fact), second.log.append(RUN, fact)];
        return (await Promise.all(both)).filter(({ stored }) => stored).length;
      });
      expect(new Set(await Promise.all(races))).toEqual(new Set([1]));
      expect(await first.log.factsOf(RUN.runId)).toHaveLength(300);
    });

    it("reads positions in the order asked and leaves out those without a fact", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const seqs: number[] = [];
      for (let n = 0; n < 5; n++) {
        const answer = await log.append(RUN, outcomes(n));
        seqs.push(answer.stored ? answer.seq : 0);
      }
      const [a = 0, , c = 0, , e = 0] = seqs;
      const found = await log.read([e, 1_000_000, a, c]);
      expect(found.map(({ seq }) => seq)).toEqual([e, a, c]);
      expect(await log.read([])).toEqual([]);
    });

    it("reads many positions at once", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      const answers = await Promise.all(
        Array.from({ length: 700 }, (_, n) => writer.log.append(RUN, outcomes(n))),
      );
      const seqs = answers.map((answer) => (answer.stored ? answer.seq : 0)).toReversed();
      expect((await reader.log.read(seqs)).map(({ seq }) => seq)).toEqual(seqs);
    });

    it("gives all facts of one run, and none of another", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      await Promise.all(
        Array.from({ length: 1_500 }, (_, n) =>
          writer.log.append({ ...RUN, runId: n % 3 === 0 ? "mine" : "theirs" }, outcomes(n)),
        ),
      );
      const facts = await reader.log.factsOf("mine");
      expect(facts).toHaveLength(500);
      expect(new Set(facts.map(({ runId }) => runId))).toEqual(new Set(["mine"]));
      const seqs = facts.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(await reader.log.factsOf("nobody's")).toEqual([]);
    });

    it("tells by which facts runs begin and end, from a position on", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const kinds: Fact[] = [SUBMITTED, outcomes(1), CANCEL, { kind: "retry", gen: 1, tasks: [] }, FINISHED];
      const seqs: number[] = [];
      for (const runId of ["run-1", "run-2"]) {
        for (const fact of kinds) {
          const answer = await log.append({ runId, partition: 1 }, fact);
          seqs.push(answer.stored ? answer.seq : 0);
        }
      }
      const told = ["submitted", "retry", "finished"];
      expect((await log.milestones(1, seqs.at(-1) ?? 0)).map(({ fact }) => fact.kind)).toEqual([
        ...told,
        ...told,
      ]);
      expect(
        (await log.milestones(seqs[3] ?? 0, seqs[5] ?? 0)).map(({ runId, fact }) => `${runId} ${fact.kind}`),
      ).toEqual(["run-1 retry", "run-1 finished", "run-2 submitted"]);
      expect(await log.milestones(1, 0)).toEqual([]);
    });

    it("tells the position of the newest fact", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      expect((await reader.log.end()).seq).toBe(0);
      const answer = await writer.log.append(RUN, SUBMITTED);
      expect((await reader.log.end()).seq).toBe(answer.stored ? answer.seq : -1);
    });

    it("follows from a position on, and goes on with what comes", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const seqs: number[] = [];
      for (let n = 0; n < 6; n++) {
        const answer = await log.append(RUN, outcomes(n));
        seqs.push(answer.stored ? answer.seq : 0);
      }
      const facts = new Collected<LoggedFact>();
      const follower = await log.follow({ from: seqs[3] ?? 0 }, facts.add);
      await follower.reached(seqs[5] ?? 0);
      expect(facts.items.map(({ seq }) => seq)).toEqual(seqs.slice(3));
      await log.append(RUN, outcomes(6));
      await facts.reach(4);
      await follower.stop();
    });

    it("follows one run alone", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      for (let n = 0; n < 4; n++)
        await log.append({ ...RUN, runId: n % 2 === 0 ? "mine" : "theirs" }, outcomes(n));
      const facts = new Collected<LoggedFact>();
      const follower = await log.follow({ from: 1, runId: "mine" }, facts.add);
      // The newest position is another run's: there is nothing to hand over for it.
      await follower.reached((await log.end()).seq);
      expect(facts.items.map(({ runId }) => runId)).toEqual(["mine", "mine"]);
      await log.append({ ...RUN, runId: "theirs" }, outcomes(10));
      await log.append({ ...RUN, runId: "mine" }, outcomes(11));
      const last = (await facts.reach(3)).at(-1);
      expect(last?.fact).toEqual(outcomes(11));
      await follower.stop();
    });

    it("says at once that an empty log is reached, and waits for a position to come", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const facts = new Collected<LoggedFact>();
      const follower = await log.follow({ from: 1 }, facts.add);
      await follower.reached((await log.end()).seq);
      const reached = follower.reached(2).then(() => facts.items.length);
      await log.append(RUN, outcomes(1));
      await log.append(RUN, outcomes(2));
      expect(await reached).toBe(2);
      await follower.stop();
    });

    it("hands over nothing after a stop, which ends all waiting too", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const [stopped, other] = [new Collected<LoggedFact>(), new Collected<LoggedFact>()];
      const follower = await log.follow({ from: 1 }, stopped.add);
      await log.follow({ from: 1 }, other.add);
      await log.append(RUN, outcomes(1));
      await stopped.reach(1);
      const waiting = follower.reached(1_000);
      await follower.stop();
      await waiting;
      await follower.reached(2_000);
      await log.append(RUN, outcomes(2));
      await other.reach(2);
      expect(stopped.items).toHaveLength(1);
    });

    it("lets a follower write from within", async () => {
      await using fixture = await make();
      const { log } = await fixture.open();
      const order: string[] = [];
      await log.follow({ from: 1 }, ({ fact }) => {
        order.push(`begin ${fact.kind}`);
        if (fact.kind === "submitted") void log.append(RUN, outcomes(1));
        order.push(`end ${fact.kind}`);
      });
      await log.append(RUN, SUBMITTED);
      await until(
        () => order.length === 4,
        () => order,
      );
      expect(order).toEqual(["begin submitted", "end submitted", "begin outcomes", "end outcomes"]);
    });
  });
}
