/** Q2 of ports/task-queue.ts: what comes again, when, and what may be trusted. */
import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";
import { Deliveries, work } from "./samples.ts";

/** Short enough to wait for, long enough for a slow machine to answer in. */
const ACK_WAIT_MS = 1_000;

export function redeliverySuite(name: string, make: MakeFixture): void {
  describe(`redelivery: ${name}`, () => {
    it("trusts a first delivery, unless who enqueued it did not know", async () => {
      await using fixture = await make();
      const [sender, taker] = [await fixture.open(), await fixture.open()];
      const deliveries = new Deliveries();
      const intake = await taker.queue.open("default", deliveries.add);
      intake.demand(10);
      await sender.queue.enqueue(work("a"));
      await sender.queue.enqueue(work("b", { mayBeHeld: true }));
      // It was on its way for longer than nobody else drove its run.
      await sender.queue.enqueue(work("c", { trustedUntil: 1_000 }));
      await sender.queue.enqueue(work("d", { trustedUntil: Date.parse("2100-01-01") }));
      await deliveries.reach(4);
      const trust = deliveries.items.map(({ isSuspect, losses }) => [isSuspect, losses]);
      expect(trust).toEqual([
        [false, 0],
        [true, 0],
        [true, 0],
        [false, 0],
      ]);
      await intake.stop();
    });

    it("delivers again what is not settled within the ack wait, to anybody, and says so (Q2)", async () => {
      await using fixture = await make({ ackWaitMs: ACK_WAIT_MS });
      const [dead, alive] = [await fixture.open(), await fixture.open()];
      await dead.queue.enqueue(work("a"));
      const taken = new Deliveries();
      const lost = await dead.queue.open("default", taken.add);
      lost.demand(1);
      await taken.reach(1);
      await lost.stop();
      const again = new Deliveries();
      const intake = await alive.queue.open("default", again.add);
      intake.demand(5);
      await fixture.elapse(ACK_WAIT_MS);
      await again.reach(1);
      expect(again.items[0]).toMatchObject({ isSuspect: true, losses: 1 });
      expect(again.items[0]?.work).toEqual(taken.items[0]?.work);
      await intake.stop();
    });

    it("leaves alone what is still worked on (Q2)", async () => {
      await using fixture = await make({ ackWaitMs: ACK_WAIT_MS });
      const { queue } = await fixture.open();
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(20);
      await queue.enqueue(work("worked-on"));
      await queue.enqueue(work("left"));
      await deliveries.reach(2);
      // What nobody extends comes back twice; what is extended would have come back as often.
      const extended = deliveries.of("worked-on");
      await until(
        async () => {
          queue.extend([extended.receipt]);
          await fixture.elapse(ACK_WAIT_MS / 5);
          return deliveries.count("left") >= 3;
        },
        () => deliveries.tasks,
      );
      expect(deliveries.count("worked-on")).toBe(1);
      await intake.stop();
    });

    it("delivers at once what is given back", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(5);
      await queue.enqueue(work("a"));
      await deliveries.reach(1);
      deliveries.of("a").giveBack();
      await deliveries.reach(2);
      expect(deliveries.of("a")).toMatchObject({ isSuspect: true, losses: 0 });
      deliveries.of("a").ack();
      await until(async () => (await queue.list()).length === 0);
      await intake.stop();
    });

    it("holds back for a while what is given back with a delay", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(10);
      await queue.enqueue(work("later"));
      await queue.enqueue(work("sooner"));
      await deliveries.reach(2);
      deliveries.of("later").giveBack(1_500);
      deliveries.of("sooner").giveBack(500.25);
      await fixture.elapse(500.25);
      await deliveries.reach(3);
      await fixture.elapse(999.75);
      await deliveries.reach(4);
      expect(deliveries.tasks).toEqual(["later", "sooner", "sooner", "later"]);
      await intake.stop();
    });
  });
}
