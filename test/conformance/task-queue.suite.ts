/** Q1, Q3 and Q4 of ports/task-queue.ts. */
import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";
import { Deliveries, numbered, work, WORK } from "./samples.ts";

/** Short enough to wait for, long enough for a slow machine to answer in. */
const ACK_WAIT_MS = 1_000;

export function taskQueueSuite(name: string, make: MakeFixture): void {
  describe(`task queue: ${name}`, () => {
    it("delivers an attempt as it was queued", async () => {
      await using fixture = await make();
      const [sender, taker] = [await fixture.open(), await fixture.open()];
      const { timeoutMs: _none, ...unlimited } = work("b");
      const byRef = work("c", {
        mayBeHeld: true,
        env: {},
        inputs: { ref: { name: "in-c-0-1", bytes: 80_000, chunks: 1 } },
      });
      for (const each of [WORK, unlimited, byRef])
        expect(await sender.queue.enqueue(each)).toMatchObject({ stored: true });
      const deliveries = new Deliveries();
      const intake = await taker.queue.open("default", deliveries.add);
      intake.demand(10);
      await deliveries.reach(3);
      expect(deliveries.items.map((delivery) => delivery.work)).toEqual([WORK, unlimited, byRef]);
      await intake.stop();
    });

    it("holds an attempt once, queued or in flight, and again after its ack (Q1)", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      expect(await queue.enqueue(work("a"))).toMatchObject({ stored: true });
      expect(await queue.enqueue(work("a"))).toEqual({ stored: false });
      expect(await queue.enqueue(work("a", { attempt: 2 }))).toMatchObject({ stored: true });
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(2);
      await deliveries.reach(2);
      expect(await queue.enqueue(work("a"))).toEqual({ stored: false });
      for (const delivery of deliveries.items) delivery.ack();
      await until(async () => (await queue.list()).length === 0);
      expect(await queue.enqueue(work("a"))).toMatchObject({ stored: true });
      await intake.stop();
    });

    it("stores nothing that is not wanted any more", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      expect(await queue.enqueue(work("a"), () => false)).toEqual({ stored: false, unwanted: true });
      expect(await queue.enqueue(work("b"), () => true)).toMatchObject({ stored: true });
      expect((await queue.list()).map(({ task }) => task)).toEqual(["b"]);
    });

    it("delivers in the order of enqueueing, also into a new queue (Q3)", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const tasks = Array.from({ length: 600 }, (_, n) => numbered(n));
      // Nobody waits for one answer before sending the next.
      const answers = await Promise.all(tasks.map((each) => queue.enqueue(each)));
      expect(answers.every(({ stored }) => stored)).toBe(true);
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(600);
      await deliveries.reach(600);
      expect(deliveries.tasks).toEqual(tasks.map(({ task }) => task));
      await intake.stop();
    });

    it("gives nothing without a demand, and never more than is asked for", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const [eager, modest, idle] = [new Deliveries(), new Deliveries(), new Deliveries()];
      const none = await queue.open("default", idle.add);
      const few = await queue.open("default", modest.add);
      few.demand(3);
      for (let n = 0; n < 10; n++) await queue.enqueue(numbered(n));
      await modest.reach(3);
      // The other seven go to whoever asks: they did not go anywhere else before.
      const many = await queue.open("default", eager.add);
      many.demand(100);
      await eager.reach(7);
      expect([modest.items.length, idle.items.length]).toEqual([3, 0]);
      await Promise.all([none.stop(), few.stop(), many.stop()]);
    });

    it("keeps up a demand that is told again after each delivery", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const seen = new Set<string>();
      let most = 0;
      let held = 0;
      const intake = await queue.open("default", (delivery) => {
        most = Math.max(most, ++held);
        seen.add(delivery.work.task);
        setImmediate(() => {
          delivery.ack();
          held--;
          intake.demand(4 - held);
        });
        intake.demand(4 - held);
      });
      intake.demand(4);
      await Promise.all(Array.from({ length: 300 }, (_, n) => queue.enqueue(numbered(n))));
      await until(
        () => seen.size === 300,
        () => ({ seen: seen.size, held }),
      );
      // What was asked for before the last change may still come.
      expect(most).toBeLessThanOrEqual(8);
      await intake.stop();
    });

    it("gives each attempt to one of several takers", async () => {
      await using fixture = await make();
      const processes = await Promise.all([fixture.open(), fixture.open(), fixture.open()]);
      const all = new Deliveries();
      const intakes = await Promise.all(
        processes.map(async ({ queue }) => {
          const intake = await queue.open("default", (delivery) => {
            all.add(delivery);
            delivery.ack();
            intake.demand(10);
          });
          intake.demand(10);
          return intake;
        }),
      );
      const { queue } = processes[0];
      await Promise.all(Array.from({ length: 300 }, (_, n) => queue.enqueue(numbered(n))));
      await all.reach(300);
      await until(async () => (await queue.list()).length === 0);
      expect(new Set(all.tasks).size).toBe(300);
      expect(all.items).toHaveLength(300);
      await Promise.all(intakes.map((intake) => intake.stop()));
    });

    it("keeps queues apart", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      await queue.enqueue(work("a", { queue: "gpu" }));
      await queue.enqueue(work("b"));
      const deliveries = new Deliveries();
      const intake = await queue.open("gpu", deliveries.add);
      intake.demand(10);
      await deliveries.reach(1);
      await queue.enqueue(work("c", { queue: "gpu" }));
      await deliveries.reach(2);
      expect(deliveries.tasks).toEqual(["a", "c"]);
      expect(await queue.depth("default")).toMatchObject({ waiting: 1, inFlight: 0 });
      expect(await queue.depth("gpu")).toMatchObject({ waiting: 0, inFlight: 2 });
      expect(await queue.depth("never-seen")).toEqual({
        waiting: 0,
        inFlight: 0,
        limit: expect.any(Number) as number,
        deliveredSeq: 0,
        isWanted: false,
      });
      await intake.stop();
    });

    it("lists what is queued and what is in flight", async () => {
      await using fixture = await make();
      const [sender, other] = [await fixture.open(), await fixture.open()];
      expect(await other.queue.list()).toEqual([]);
      await sender.queue.enqueue(work("a"));
      await sender.queue.enqueue(work("b", { index: 4, attempt: 2, queue: "gpu" }));
      const deliveries = new Deliveries();
      const intake = await sender.queue.open("default", deliveries.add);
      intake.demand(1);
      await deliveries.reach(1);
      const listed = (await other.queue.list()).toSorted((x, y) => x.task.localeCompare(y.task));
      expect(listed).toEqual([
        { runId: "run-1", task: "a", index: 0, attempt: 1, queue: "default" },
        { runId: "run-1", task: "b", index: 4, attempt: 2, queue: "gpu" },
      ]);
      await intake.stop();
    });

    it("delivers a removed attempt no more, wherever it is (Q4)", async () => {
      await using fixture = await make({ ackWaitMs: ACK_WAIT_MS });
      const [owner, taker] = [await fixture.open(), await fixture.open()];
      for (const task of ["flying", "control", "waiting"]) await owner.queue.enqueue(work(task));
      const deliveries = new Deliveries();
      const intake = await taker.queue.open("default", deliveries.add);
      intake.demand(2);
      await deliveries.reach(2);
      await owner.queue.remove(work("flying"));
      await owner.queue.remove(work("waiting"));
      await owner.queue.remove(work("never-queued"));
      expect((await owner.queue.list()).map(({ task }) => task)).toEqual(["control"]);
      await until(async () => {
        const { waiting, inFlight } = await owner.queue.depth("default");
        return waiting === 0 && inFlight === 1;
      });
      intake.demand(10);
      // The unsettled neighbour comes again, and again, and the removed ones never.
      await until(
        async () => {
          await fixture.elapse(ACK_WAIT_MS / 2);
          return deliveries.count("control") >= 3;
        },
        () => deliveries.tasks,
      );
      expect([deliveries.count("flying"), deliveries.count("waiting")]).toEqual([1, 0]);
      expect(await owner.queue.enqueue(work("flying"))).toMatchObject({ stored: true });
      await intake.stop();
    });

    it("removes all attempts of a run, and only them (Q4)", async () => {
      await using fixture = await make();
      const [owner, taker] = [await fixture.open(), await fixture.open()];
      const gone = { runId: "gone" };
      const mine = Array.from({ length: 50 }, (_, n) =>
        owner.queue.enqueue(numbered(n, { ...gone, queue: n % 2 === 0 ? "default" : "gpu" })),
      );
      await Promise.all([
        ...mine,
        owner.queue.enqueue(work("stays")),
        owner.queue.enqueue(work("x", { ...gone, queue: "other" })),
      ]);
      const deliveries = new Deliveries();
      const intake = await taker.queue.open("default", deliveries.add);
      intake.demand(5);
      await deliveries.reach(5);
      await owner.queue.purge("gone", ["default", "gpu", "never-seen"]);
      const left = (await owner.queue.list()).map(({ task, queue }) => `${queue}/${task}`);
      expect(left.toSorted()).toEqual(["default/stays", "other/x"]);
      intake.demand(5);
      await until(
        () => deliveries.count("stays") === 1,
        () => deliveries.tasks,
      );
      expect(deliveries.items).toHaveLength(6);
      expect(await owner.queue.depth("default")).toMatchObject({ waiting: 0, inFlight: 1 });
      expect(await owner.queue.enqueue(numbered(0, gone))).toMatchObject({ stored: true });
      await intake.stop();
    });

    it("does not let a late answer settle a newer copy", async () => {
      await using fixture = await make();
      const { queue } = await fixture.open();
      const deliveries = new Deliveries();
      const intake = await queue.open("default", deliveries.add);
      intake.demand(5);
      await queue.enqueue(work("a"));
      await deliveries.reach(1);
      const old = deliveries.of("a");
      await queue.remove(work("a"));
      expect(await queue.enqueue(work("a"))).toMatchObject({ stored: true });
      await deliveries.reach(2);
      old.ack();
      old.giveBack();
      await queue.enqueue(work("b"));
      await deliveries.reach(3);
      expect((await queue.list()).map(({ task }) => task).toSorted()).toEqual(["a", "b"]);
      await intake.stop();
    });

    it("leaves to others what a stopped intake did not take", async () => {
      await using fixture = await make();
      const [leaving, staying] = [await fixture.open(), await fixture.open()];
      const kept = new Deliveries();
      const left = new Deliveries();
      const intake = await leaving.queue.open("default", kept.add);
      intake.demand(500);
      const sending = Promise.all(Array.from({ length: 400 }, (_, n) => staying.queue.enqueue(numbered(n))));
      await kept.reach(1);
      await intake.stop();
      const taken = kept.items.length;
      await sending;
      // The ack wait is long: what the stopped one was about to get must come without it.
      const other = await staying.queue.open("default", left.add);
      other.demand(500);
      await left.reach(400 - taken);
      expect(kept.items).toHaveLength(taken);
      expect(new Set([...kept.tasks, ...left.tasks]).size).toBe(400);
      await other.stop();
    });
  });
}
