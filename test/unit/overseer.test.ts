/** Who is dead, and what is lost with them? The overseer and all around it, where time passes when a test says so. */
import { describe, expect, test } from "vitest";
import { DEAD_MS } from "../support/memory-executor.ts";
import { GONE, LATE, Overseen, THERE } from "../support/overseen.ts";

/** A loss that says so. */
const lost = (message: string): unknown =>
  expect.objectContaining({
    state: "failed",
    error: { reason: "lost", message: expect.stringContaining(message) },
  });

describe("a worker whose connection is gone", () => {
  test("is dead in about three seconds, and what it held is lost", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const worker = on.worker("w");
    await worker.pulls(1);
    worker.tells();
    await on.clock.advance(5_000);
    worker.answer = GONE;
    await on.clock.advance(2_000);
    expect(on.deaths).toEqual([]);
    await on.clock.advance(1_500);
    expect(on.deaths).toEqual([["w", "connection-gone"]]);
    expect(await on.outcomesOf(runId)).toEqual([lost("worker 'w' is dead: its connection is gone")]);
    expect((await on.cluster.queue.list()).map(({ attempt }) => attempt)).toEqual([2]);
  });

  test("that is back in time lives", async () => {
    await using on = await Overseen.start();
    const worker = on.worker("w");
    await on.clock.advance(1_000);
    worker.answer = GONE;
    await on.clock.advance(2_000);
    worker.answer = THERE;
    await on.clock.advance(60_000);
    expect(on.deaths).toEqual([]);
  });

  test("has its full term when several hosts went at once", async () => {
    await using on = await Overseen.start();
    const all = [on.worker("v"), on.worker("w")];
    await on.clock.advance(1_000);
    for (const worker of all) worker.answer = GONE;
    await on.clock.advance(25_000);
    expect(on.deaths).toEqual([]);
    await on.clock.advance(10_000);
    expect(on.deaths).toEqual([
      ["v", "silent"],
      ["w", "silent"],
    ]);
  });
});

describe("a worker that is slow or frozen", () => {
  test("has its full term, and is welcome when it comes back; what it still holds then it is told to stop", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const worker = on.worker("w");
    await worker.pulls(1);
    worker.tells();
    await on.clock.advance(1_000);
    worker.answer = LATE;
    await on.clock.advance(DEAD_MS - 2_000);
    expect(on.deaths).toEqual([]);
    await on.clock.advance(4_000);
    expect(on.deaths).toEqual([["w", "silent"]]);
    expect(await on.outcomesOf(runId)).toEqual([lost("nothing heard of it for 30 s")]);
    worker.answer = THERE;
    worker.beat();
    await on.clock.advance(0);
    expect(on.seen.filter(({ kind }) => kind === "worker-joined")).toHaveLength(2);
    const stop = {
      command: { kind: "stop-attempt", attempt: { runId, task: "a", index: 0, attempt: 1 } },
      to: "w",
    };
    expect(on.commands).toContainEqual(stop);
    // It may not have heard.
    on.commands.length = 0;
    await on.clock.advance(1_000);
    expect(on.commands).toContainEqual(stop);
    worker.held = [];
    worker.beat();
    on.commands.length = 0;
    await on.clock.advance(2_000);
    expect(on.commands).toEqual([]);
    expect(on.service.look()?.held).toEqual([]);
  });

  test("is told only then of what it has taken just now, which has more likely ended since it said so", async () => {
    await using on = await Overseen.start();
    await on.submit("a");
    const worker = on.worker("w");
    worker.held = [{ runId: "over", task: "a", index: 0, attempt: 1 }];
    worker.more = {
      held: worker.held.map((each) => ({ ...each, queue: "default", partition: 0, heldMs: 10 })),
    };
    on.commands.length = 0;
    worker.beat();
    await on.clock.advance(0);
    expect(on.commands).toEqual([]);
    await on.clock.advance(2_000);
    expect(on.commands).toContainEqual({
      command: { kind: "stop-attempt", attempt: worker.held[0] },
      to: "w",
    });
  });

  test("is shown as blocked when its loop does not turn", async () => {
    await using on = await Overseen.start();
    const worker = on.worker("w", { blockedMs: 4_000 });
    await on.clock.advance(500);
    expect(on.seen).toContainEqual(expect.objectContaining({ kind: "worker-blocked", workerId: "w" }));
    expect(on.service.look()?.workers).toMatchObject([{ workerId: "w", blockedMs: 4_500 }]);
    worker.more = {};
    worker.beat();
    await on.clock.advance(0);
    expect(on.service.look()?.workers).toMatchObject([{ blockedMs: 0 }]);
  });
});

describe("nobody is judged by what we could not hear", () => {
  test("while we are disconnected, and until a worker was heard again after", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const worker = on.worker("w");
    await worker.pulls(1);
    worker.tells();
    await on.clock.advance(1_000);
    on.isConnected = false;
    worker.answer = GONE;
    await on.clock.advance(2 * DEAD_MS);
    on.reconnected();
    await on.clock.advance(DEAD_MS - 5_000);
    expect(on.deaths).toEqual([]);
    worker.answer = THERE;
    worker.beat();
    await on.clock.advance(60_000);
    expect(on.deaths).toEqual([]);
    expect(await on.outcomesOf(runId)).toEqual([]);
  });

  test("a verdict that could not be written before we were cut off is judged again", async () => {
    await using on = await Overseen.start();
    const runId = await on.submit("a");
    const worker = on.worker("w");
    await worker.pulls(1);
    worker.tells();
    await on.clock.advance(1_000);
    const { append } = on.cluster.log;
    let tries = 0;
    let send = (): void => undefined;
    on.cluster.log.append = async (run, fact, options) => {
      tries++;
      await new Promise<void>((resolve) => (send = resolve));
      return append.call(on.cluster.log, run, fact, options);
    };
    worker.answer = GONE;
    await on.clock.advance(4_000);
    expect([on.deaths, tries]).toEqual([[["w", "connection-gone"]], 1]);
    on.reconnected();
    on.cluster.log.append = append;
    send();
    expect(await on.outcomesOf(runId)).toEqual([]);
    // It lives after all, and says so; its attempt is its own.
    worker.answer = THERE;
    worker.beat();
    await on.clock.advance(60_000);
    expect(await on.outcomesOf(runId)).toEqual([]);
    expect(on.service.look()?.held).toMatchObject([{ task: "a", workerId: "w" }]);
  });
});
