/** What did a dead worker take with it that it could not say any more? */
import { describe, expect, test } from "vitest";
import { DEAD_MS } from "../support/memory-executor.ts";
import { GONE, LATE, Overseen } from "../support/overseen.ts";

/** A loss that says so. */
const lost = (message: string): unknown =>
  expect.objectContaining({
    state: "failed",
    error: { reason: "lost", message: expect.stringContaining(message) },
  });

describe("what a dead worker had pulled and could not say any more", () => {
  test("is lost, when nobody alive has it; what waits is not", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a", "b", "c");
    const [dead, live] = [on.worker("dead"), on.worker("live")];
    await on.clock.advance(1_000);
    await dead.pulls(1);
    await live.pulls(1);
    dead.answer = GONE;
    live.tells();
    await on.clock.advance(6_000);
    expect(on.deaths).toEqual([["dead", "connection-gone"]]);
    expect(await on.outcomesOf(runId)).toEqual([lost("no live worker has it; worker 'dead' is dead")]);
    const queued = (await on.cluster.queue.list()).map((each) => `${each.task}#${each.attempt}`).toSorted();
    expect(queued).toEqual(["a#2", "b#1", "c#1"]);
  });

  test("is lost too when it came after the death, to one that was frozen and had asked for it before", async () => {
    await using on = await Overseen.start({ deadAfterMs: 2_000 });
    const frozen = on.worker("frozen");
    await on.clock.advance(1_000);
    frozen.answer = LATE;
    await on.clock.advance(3_000);
    expect(on.deaths).toEqual([["frozen", "silent"]]);
    const runId = await on.submit("a");
    await frozen.pulls(1);
    await on.clock.advance(5_000);
    expect(await on.outcomesOf(runId)).toEqual([lost("no live worker has it; worker 'frozen' is dead")]);
  });

  test("is not told apart from what a live worker has, before its loop turns", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const [dead, live] = [on.worker("dead"), on.worker("live")];
    await on.clock.advance(1_000);
    await live.pulls(1);
    live.more = { blockedMs: 2_000 };
    dead.answer = GONE;
    await on.clock.advance(20_000);
    expect(on.deaths).toEqual([["dead", "connection-gone"]]);
    expect(await on.outcomesOf(runId)).toEqual([]);
    live.more = {};
    live.tells();
    await on.clock.advance(20_000);
    expect(await on.outcomesOf(runId)).toEqual([]);
  });

  test("is not what was given back", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const [dead, other] = [on.worker("dead"), on.worker("other")];
    await on.clock.advance(1_000);
    await other.pulls(1);
    other.tells();
    await on.clock.advance(0);
    other.held = [];
    other.beat();
    await on.clock.advance(0);
    dead.answer = GONE;
    await on.clock.advance(20_000);
    expect(on.deaths).toEqual([["dead", "connection-gone"]]);
    expect(await on.outcomesOf(runId)).toEqual([]);
  });

  test("is not what came after its death, or is of a queue that it did not serve", async () => {
    await using on = await Overseen.start();
    const dead = on.worker("dead", { queues: ["gpu"] });
    const runId = await on.submit("a");
    const live = on.worker("live");
    await on.clock.advance(1_000);
    dead.answer = GONE;
    await live.pulls(2);
    await on.clock.advance(10_000);
    expect(on.deaths).toEqual([["dead", "connection-gone"]]);
    const later = await on.submit("b");
    await on.clock.advance(10_000);
    expect([await on.outcomesOf(runId), await on.outcomesOf(later)]).toEqual([[], []]);
  });

  test("is lost also when the executor had just come back itself: once its term is over", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const [dead, live] = [on.worker("dead"), on.worker("live")];
    await on.clock.advance(1_000);
    await dead.pulls(1);
    on.reconnected();
    await on.clock.advance(1_000);
    dead.answer = GONE;
    live.beat();
    await on.clock.advance(6_000);
    expect(on.deaths).toEqual([["dead", "connection-gone"]]);
    expect(await on.outcomesOf(runId)).toEqual([]);
    await on.clock.advance(DEAD_MS);
    expect(await on.outcomesOf(runId)).toEqual([lost("no live worker has it; worker 'dead' is dead")]);
  });
});
