/** What a queue tells of its copies to who wants to know which of them were delivered. */
import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";
import { Deliveries, work } from "./samples.ts";

export function queuePositionsSuite(name: string, make: MakeFixture): void {
  describe(`positions in the queue: ${name}`, () => {
    it("tells how far a queue has delivered, and where each copy stands", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const seqs: number[] = [];
      for (const [task, name] of [
        ["a", "default"],
        ["b", "gpu"],
        ["c", "default"],
      ] as const) {
        const answer = await queue.enqueue(work(task, { queue: name }));
        if (answer.stored) seqs.push(answer.seq);
      }
      const [a = 0, b = 0, c = 0] = seqs;
      expect(0 < a && a < b && b < c).toBe(true);
      expect(await queue.seqOf(work("c"))).toBe(c);
      expect(await queue.seqOf(work("d"))).toBeUndefined();
      const delivered = async (): Promise<number[]> => [
        (await queue.depth("default")).deliveredSeq,
        (await queue.depth("gpu")).deliveredSeq,
      ];
      expect(await delivered()).toEqual([0, 0]);
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(1);
      await deliveries.reach(1);
      expect(await delivered()).toEqual([a, 0]);
      expect(await queue.seqOf(work("a"))).toBe(a);
      deliveries.of("a").ack();
      intake.demand(1);
      await deliveries.reach(2);
      expect(await delivered()).toEqual([c, 0]);
      await until(async () => (await queue.seqOf(work("a"))) === undefined);
      await intake.stop();
    });

    it("begins deliveries anew: what is in flight comes again, as suspect, and what waits as ever", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(2);
      for (const task of ["a", "b", "c"]) await queue.enqueue(work(task));
      await deliveries.reach(2);
      expect(await queue.depth("default")).toMatchObject({ waiting: 1, inFlight: 2, isWanted: false });
      await queue.renew("default");
      intake.demand(5);
      await deliveries.reach(5);
      const again = deliveries.items.slice(2).map(({ work: { task }, isSuspect }) => ({ task, isSuspect }));
      expect(again.filter(({ task }) => task !== "c")).toEqual([
        { task: "a", isSuspect: true },
        { task: "b", isSuspect: true },
      ]);
      await until(async () => (await queue.depth("default")).isWanted);
      for (const { ack } of deliveries.items) ack();
      await until(async () => (await queue.list()).length === 0);
      await intake.stop();
    });
  });
}
