import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Work } from "../../internal/core/attempt.ts";
import type { Fact, LoggedFact } from "../../internal/core/facts.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { dag, task } from "../support/dags.ts";
import { completed, submitted } from "../support/facts.ts";
import { until } from "../support/until.ts";
import { type World, WORLDS } from "../support/worlds.ts";

const RUN = { runId: "run-1", partition: 3 };
const SUBMITTED = submitted(dag([task("a")]));

function outcomes(n: number, incarnation = "w1"): Fact {
  return { kind: "outcomes", runSeq: 1, items: [completed("a")], queue: "default", incarnation, n };
}

function work(id: string, more: Partial<Work> = {}): Work {
  return {
    runId: "run-1",
    task: id,
    index: 0,
    attempt: 1,
    runSeq: 1,
    partition: 3,
    dagName: "d",
    tenantId: "t",
    queue: "default",
    type: "bash",
    command: "true",
    env: {},
    timeoutMs: 1_000,
    inputs: {
      inline: { run: { inline: { p: 1 } }, own: {}, upstream: [["u", { inline: { x: [1, null] } }]] },
    },
    ...more,
  };
}

describe.each(Object.keys(WORLDS))("%s", (name) => {
  let world: World;
  beforeEach(async () => {
    world = await (WORLDS[name] as () => Promise<World>)();
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
  });

  describe("run log", () => {
    test("facts come back as they were written, in order", async () => {
      const facts: Fact[] = [
        SUBMITTED,
        outcomes(1),
        { kind: "cancel", gen: 0, cause: "request", message: "enough" },
        { kind: "finished", gen: 0, state: "cancelled", durationMs: 12 },
      ];
      for (const fact of facts) expect(await world.log.append(RUN, fact)).toMatchObject({ stored: true });
      const read = await world.log.factsOf("run-1");
      expect(read.map(({ fact }) => fact)).toEqual(facts);
      expect(read.map(({ seq }) => seq)).toEqual(read.map(({ seq }) => seq).toSorted((a, b) => a - b));
      expect(await world.log.lastSeq()).toBe(read.at(-1)?.seq);
      expect(await world.log.factsOf("run-2")).toEqual([]);
      expect(read[0]).toMatchObject(RUN);
    });

    test("first write wins", async () => {
      const first = await world.log.append(RUN, SUBMITTED);
      expect(first.stored).toBe(true);
      expect(await world.log.append(RUN, { ...SUBMITTED, nonce: "other" })).toEqual({ stored: false });
      const races = await Promise.all(Array.from({ length: 20 }, () => world.log.append(RUN, outcomes(7))));
      expect(races.filter(({ stored }) => stored)).toHaveLength(1);
      expect(await world.log.append(RUN, outcomes(7, "w2"))).toMatchObject({ stored: true });
    });

    test("a follower sees what was there and what comes, once and in order", async () => {
      for (let n = 1; n <= 50; n++) await world.log.append(RUN, outcomes(n));
      const seen: LoggedFact[] = [];
      const follower = await world.log.follow({ from: 1 }, (fact) => seen.push(fact));
      for (let n = 51; n <= 100; n++) await world.log.append(RUN, outcomes(n));
      await follower.reached(await world.log.lastSeq());
      expect(seen.map(({ fact }) => (fact.kind === "outcomes" ? fact.n : 0))).toEqual(
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
      await follower.stop();
      await world.log.append(RUN, outcomes(101));
      expect(await world.log.lastSeq()).toBeGreaterThan(seen.at(-1)?.seq ?? 0);
      expect(seen).toHaveLength(100);
    });

    test("a follower of one run sees only that, from where it was asked to", async () => {
      const other = { runId: "run-2", partition: 3 };
      await world.log.append(other, SUBMITTED);
      const first = await world.log.append(RUN, SUBMITTED);
      await world.log.append(other, outcomes(1));
      await world.log.append(RUN, outcomes(1));
      const seen: LoggedFact[] = [];
      const from = first.stored ? first.seq + 1 : 0;
      const follower = await world.log.follow({ from, runId: "run-1" }, (fact) => seen.push(fact));
      await until(
        () => seen.length > 0,
        () => seen,
      );
      expect(seen.map(({ runId, fact }) => [runId, fact.kind])).toEqual([["run-1", "outcomes"]]);
      await follower.stop();
    });

    test("facts are read by position; what is not there is left out", async () => {
      const answers = [await world.log.append(RUN, SUBMITTED), await world.log.append(RUN, outcomes(1))];
      const seqs = answers.map((answer) => (answer.stored ? answer.seq : 0));
      const read = await world.log.read([seqs[1] ?? 0, 999_999, seqs[0] ?? 0]);
      expect(read.map(({ fact }) => fact.kind)).toEqual(["outcomes", "submitted"]);
    });
  });

  describe("work queue", () => {
    async function take(demand: number): Promise<{ got: Delivery[]; stop(): Promise<void> }> {
      const got: Delivery[] = [];
      const intake = await world.queue.open("default", (delivery) => got.push(delivery));
      intake.demand(demand);
      return { got, stop: () => intake.stop() };
    }

    test("an attempt is delivered as it was queued, and is gone once acknowledged", async () => {
      expect(await world.queue.enqueue(work("a"))).toBe(true);
      const { got, stop } = await take(5);
      await until(() => got.length === 1);
      expect(got[0]?.work).toEqual(work("a"));
      expect(got[0]?.redelivered).toBe(false);
      got[0]?.ack();
      await until(async () => (await world.queue.list()).length === 0);
      await stop();
    });

    test("it is in the queue at most once, until it is acknowledged", async () => {
      expect(await world.queue.enqueue(work("a"))).toBe(true);
      expect(await world.queue.enqueue(work("a"))).toBe(false);
      const { got, stop } = await take(1);
      await until(() => got.length === 1);
      expect(await world.queue.enqueue(work("a"))).toBe(false);
      got[0]?.ack();
      await until(() => world.queue.enqueue(work("a")));
      expect(await world.queue.enqueue(work("a", { attempt: 2 }))).toBe(true);
      await stop();
    });

    test("no more is delivered than was asked for", async () => {
      for (const id of ["a", "b", "c", "d"]) await world.queue.enqueue(work(id));
      const got: Delivery[] = [];
      const intake = await world.queue.open("default", (delivery) => got.push(delivery));
      intake.demand(2);
      await until(() => got.length === 2);
      expect(await world.queue.depth("default")).toEqual({ waiting: 2, inFlight: 2 });
      intake.demand(1);
      await until(() => got.length === 3);
      expect(got.map(({ work: { task: id } }) => id)).toEqual(["a", "b", "c"]);
      await intake.stop();
    });

    test("what is given back, or not settled in time, comes again", async () => {
      await world.queue.enqueue(work("a"));
      const { got, stop } = await take(10);
      await until(() => got.length === 1);
      got[0]?.giveBack();
      await until(() => got.length === 2);
      expect(got[1]?.redelivered).toBe(true);
      await until(
        () => got.length === 3,
        () => got.length,
      );
      got[2]?.ack();
      await until(async () => (await world.queue.list()).length === 0);
      await stop();
    });

    test("what is removed or purged is not delivered", async () => {
      await world.queue.enqueue(work("a"));
      await world.queue.enqueue(work("b"));
      await world.queue.enqueue(work("c", { runId: "run-2" }));
      await world.queue.enqueue(work("d", { queue: "gpu" }));
      await world.queue.remove({ ...work("a") });
      await world.queue.remove({ ...work("nobody") });
      await world.queue.purge("run-1", ["default"]);
      const left = (await world.queue.list()).map(({ runId, task: id, queue }) => `${queue}.${runId}.${id}`);
      expect(left.toSorted()).toEqual(["default.run-2.c", "gpu.run-1.d"]);
      expect(await world.queue.enqueue(work("a"))).toBe(true);
    });

    test("two takers share a queue, and what a stopped one held comes to the other", async () => {
      const first = await take(1);
      await world.queue.enqueue(work("a"));
      await until(() => first.got.length === 1);
      const second = await take(5);
      await world.queue.enqueue(work("b"));
      await until(() => second.got.length === 1);
      await first.stop();
      first.got[0]?.giveBack();
      await until(() => second.got.length === 2);
      expect(second.got[1]?.work.task).toBe("a");
      await second.stop();
    });
  });

  test("blobs: large values whole, the first write stays, a run's values go together", async () => {
    const bytes = Uint8Array.from({ length: 1_500_000 }, (_, i) => (i * 31) % 251);
    const ref = await world.blobs.put({ runId: "run-1" }, "big", bytes);
    expect(ref.bytes).toBe(bytes.length);
    await world.blobs.put({ runId: "run-1" }, "big", bytes.toReversed());
    expect(Buffer.compare(await world.blobs.get({ runId: "run-1" }, ref), bytes)).toBe(0);
    const definition = await world.blobs.put("definitions", "run-1", new Uint8Array([1]));
    await world.blobs.removeRun("run-1");
    await expect(world.blobs.get({ runId: "run-1" }, ref)).rejects.toThrow("is gone");
    expect(await world.blobs.get("definitions", definition)).toEqual(new Uint8Array([1]));
    const empty = await world.blobs.put({ runId: "run-3" }, "empty", new Uint8Array());
    expect(await world.blobs.get({ runId: "run-3" }, empty)).toHaveLength(0);
  });

  test("presence: watchers hear workers, workers hear commands to all and to themselves", async () => {
    const heard: string[] = [];
    const watching = await world.presence.watch({
      heartbeat: (beat) => heard.push(`beat ${beat.workerId} ${beat.held.length}`),
      took: (notice) => heard.push(`took ${notice.attempts.map(({ task: id }) => id).join()}`),
      reconnected: () => undefined,
    });
    const commands: unknown[] = [];
    const listening = await world.presence.onCommand("w1-x", (command) => commands.push(command));
    const held = { runId: "r", task: "a", index: 0, attempt: 1, queue: "default", runningMs: 5 };
    world.presence.heartbeat({
      workerId: "w1",
      incarnation: "w1-x",
      host: "h",
      pid: 1,
      queues: ["default"],
      functions: ["echo"],
      slots: 2,
      active: 1,
      held: [held],
      time: 0,
      draining: false,
      goodbye: false,
    });
    world.presence.took({ workerId: "w1", incarnation: "w1-x", attempts: [held] });
    await until(
      () => heard.length === 2,
      () => heard,
    );
    expect(heard).toEqual(["beat w1 1", "took a"]);
    const attempt = { runId: "r", task: "a", index: 0, attempt: 1 };
    await until(() => {
      world.presence.command({ kind: "report" });
      return commands.length > 0;
    });
    commands.length = 0;
    world.presence.command({ kind: "stop-run", runId: "other" }, "somebody-else");
    world.presence.command({ kind: "stop-attempt", attempt }, "w1-x");
    await until(() => commands.some((command) => (command as { kind: string }).kind === "stop-attempt"));
    expect(commands.filter((command) => (command as { kind: string }).kind !== "report")).toEqual([
      { kind: "stop-attempt", attempt },
    ]);
    await watching.stop();
    await listening.stop();
  });

  test("lease: one holder at a time; it ends when it is released or not renewed", async () => {
    const { lease } = world;
    expect(await lease.acquire("a")).toBe(true);
    expect(await lease.acquire("b")).toBe(false);
    expect(await lease.renew("a")).toBe(true);
    expect(await lease.holder()).toBe("a");
    await lease.release("b");
    expect(await lease.acquire("b")).toBe(false);
    await lease.release("a");
    expect(await lease.acquire("b")).toBe(true);
    await until(() => lease.acquire("c"));
    expect(await lease.renew("b")).toBe(false);
  });

  test("dead letters keep the bytes and the reason, newest first", async () => {
    await world.deadLetters.put({ subject: "s.1", reason: "not JSON", bytes: new Uint8Array([1, 2]) });
    await world.deadLetters.put({ subject: "s.2", reason: "no shape", bytes: new Uint8Array([3]) });
    expect(await world.deadLetters.list(1)).toEqual([
      { subject: "s.2", reason: "no shape", bytes: new Uint8Array([3]) },
    ]);
    expect((await world.deadLetters.list(10)).map(({ subject }) => subject)).toEqual(["s.2", "s.1"]);
  });

  test("desk: whoever serves is asked; nobody answers when nobody serves", async () => {
    expect(await world.desk.ask(500)).toBeUndefined();
    const view = {
      executor: "e",
      workers: [],
      held: [],
      queues: [{ queue: "q", depth: 1, workers: 0 }],
      activeRuns: 2,
    };
    const serving = await world.desk.serve(() => view);
    expect(await world.desk.ask(2_000)).toEqual(view);
    await serving.stop();
  });
});
