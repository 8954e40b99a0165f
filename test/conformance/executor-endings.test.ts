/** Attempts that end as neither success nor failure, in each of the three executors of the library. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DagDefinition, JsonObject, Observation, TaskReturn } from "../../cmd/library/jetdag.ts";
import type { LibraryExecutor } from "../../cmd/library/library-executor.ts";
import { createExecutor, KINDS } from "../support/executors.ts";
import { TestServer } from "../support/nats-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe.each(KINDS)("%s", (kind) => {
  let executor: LibraryExecutor;
  let serial = 0;
  const seen: Observation[] = [];
  /** By task: what its attempts answer, in this order; the last again and again. */
  const answers = new Map<string, readonly unknown[]>();

  beforeAll(async () => {
    const observer = { observe: (observation: Observation) => void seen.push(observation) };
    executor = createExecutor(kind, { nats: server.url, observer });
    executor.registerTaskExecutor({
      type: "answers",
      execute: async ({ task, attempt }) => {
        const all = answers.get(task) ?? [];
        return (all[attempt - 1] ?? all.at(-1)) as TaskReturn;
      },
    });
    await executor.start();
  });
  afterAll(async () => {
    await executor.stop();
  });

  function define(tasks: DagDefinition["tasks"]): DagDefinition {
    return { name: `${kind}-endings-${++serial}`, tasks };
  }
  const asked = (id: string, ...all: readonly unknown[]): { id: string; type: string } => {
    answers.set(id, all);
    return { id, type: "answers" };
  };
  const failure = (error: object): object => ({ ok: false, error: { message: "not this time", ...error } });
  const success = (output: JsonObject = {}): object => ({ ok: true, output });

  test("skipped: with its reason, its output and all that depends on it; the run completes", async () => {
    const { state, tasks } = await executor.execute({
      dag: define([
        asked("look", { ...success({ rows: 0 }), skipped: "no new rows" }),
        { ...asked("load", success()), depends_on: ["look"] },
        asked("other", success()),
      ]),
    });
    expect(state).toBe("completed");
    expect(tasks).toMatchObject({
      look: { state: "skipped", skipped: "no new rows", attempts: 1, output: { rows: 0 } },
      load: { state: "skipped", attempts: 0 },
      other: { state: "completed" },
    });
    expect(tasks.load).not.toHaveProperty("skipped");
  });

  test("not yet: looks again until it is there, whatever its retries", async () => {
    const look = failure({ reason: "not-yet", againAfterMs: 10 });
    const { state, tasks } = await executor.execute({
      dag: define([asked("waits", look, look, look, success({ found: true }))]),
    });
    expect(state).toBe("completed");
    expect(tasks.waits).toMatchObject({ state: "completed", attempts: 4, output: { found: true } });
  });

  test("not yet for too long: it gives up", async () => {
    const look = failure({ reason: "not-yet", againAfterMs: 5, giveUpAfterMs: 20 });
    const { state, tasks } = await executor.execute({ dag: define([asked("waits", look)]) });
    expect(state).toBe("failed");
    expect(tasks.waits?.error?.reason).toBe("not-yet");
    expect(tasks.waits?.error?.message).toMatch(/^Task 'waits' gave up after \d+ attempts: not this time$/);
    expect(tasks.waits?.attempts).toBeGreaterThan(1);
  });

  test("final: no further attempt", async () => {
    const last = { ...asked("over", failure({ reason: "network", isFinal: true })), retries: 5 };
    const { tasks } = await executor.execute({ dag: define([last]) });
    expect(tasks.over).toMatchObject({ state: "failed", attempts: 1, error: { reason: "network" } });
  });

  test("again later: no sooner than it says", async () => {
    const from = seen.length;
    const later = failure({ reason: "http-status", againAfterMs: 60 });
    const busy = { ...asked("busy", later, success()), retries: 1, retry: { backoff: "none" as const } };
    const { tasks } = await executor.execute({ dag: define([busy]) });
    expect(tasks.busy).toMatchObject({ state: "completed", attempts: 2 });
    expect(seen.slice(from)).toContainEqual(
      expect.objectContaining({ kind: "attempt-ended", retryInMs: 60 }),
    );
  });

  test("given back: a first attempt runs again and uses no retry, a later one may not be", async () => {
    const back = failure({ reason: "released" });
    const { tasks } = await executor.execute({
      dag: define([asked("once", back, success()), asked("ever", back)]),
    });
    expect(tasks.once).toMatchObject({ state: "completed", attempts: 2 });
    expect(tasks.ever).toMatchObject({ state: "failed", attempts: 2, error: { reason: "invalid-outcome" } });
  });

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "must be { ok: true, output }"],
    ["text", "fine", "must be { ok: true, output }"],
    ["no output", { ok: true }, "output: must be an object"],
    ["a list as output", { ok: true, output: [1] }, "output: must be an object"],
    ["no reason", { ok: false, error: { message: "x" } }, "error.reason: must be one of exit-nonzero, "],
    ["a reason of its own", failure({ reason: "moon-phase" }), "error.reason: must be one of"],
    ["a reason that it cannot know", failure({ reason: "cancelled" }), "error.reason: must be one of"],
    ["a failure without an error", { ok: false }, "error: must be { reason, message }"],
    ["a message that is none", failure({ reason: "network", message: 7 }), "error.message: must be text"],
    ["no time", failure({ reason: "not-yet", againAfterMs: Number.NaN }), "error.againAfterMs: must be"],
    [
      "an end of time",
      failure({ reason: "not-yet", giveUpAfterMs: Infinity }),
      "error.giveUpAfterMs: must be",
    ],
  ])("an executor that answers %s: its task fails, and says why", async (_name, answer, message) => {
    const { tasks } = await executor.execute({ dag: define([asked("odd", answer)]) });
    expect(tasks.odd).toMatchObject({ state: "failed", attempts: 1, error: { reason: "invalid-outcome" } });
    expect(tasks.odd?.error?.message).toContain(message);
  });
});
