import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DagDefinition, Observation } from "../../cmd/library/jetdag.ts";
import type { LibraryExecutor } from "../../cmd/library/library-executor.ts";
import { createExecutor, KINDS } from "../support/executors.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";

type Tasks = DagDefinition["tasks"];

let server: TestServer;
const seen: Observation[] = [];
const observer = { observe: (observation: Observation) => void seen.push(observation) };

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe.each(KINDS)("%s", (kind) => {
  let executor: LibraryExecutor;
  let serial = 0;

  beforeAll(async () => {
    executor = createExecutor(kind, { nats: server.url, observer, gracePeriod: "200ms" });
    executor.registerFunction("flaky", (_params, { identity }) => {
      if (identity.attempt < 3) throw new Error(`attempt ${identity.attempt} fails`);
      return { attempt: identity.attempt };
    });
    executor.registerFunction("hang", () => new Promise(() => undefined));
    executor.registerFunction("number", () => 42);
    executor.registerFunction("nothing", () => undefined);
    executor.registerFunction("cycle", () => {
      const self: Record<string, unknown> = {};
      self.self = self;
      return self;
    });
    executor.registerFunction("large", () => ({ text: "x".repeat(200_000) }));
    executor.registerFunction("length", (params) => ({
      length: JSON.stringify(params.big__text).length - 2,
    }));
    executor.registerTaskExecutor({
      type: "shout",
      execute: async ({ command }) => ({ ok: true, output: { said: command.toUpperCase() } }),
    });
    await executor.start();
  });
  afterAll(async () => {
    await executor.stop();
  });

  function define(tasks: Tasks, more: Partial<DagDefinition> = {}): DagDefinition {
    return { name: `${kind}-${++serial}`, tasks, ...more };
  }

  test("params: the run's, the task's own over them, and the direct upstream's outputs over all", async () => {
    const { tasks, state } = await executor.execute({
      dag: define(
        [
          { id: "a", command: 'echo "x=from a" > "$JETDAG_OUTPUT_FILE"; echo out; echo err >&2' },
          {
            id: "b",
            type: "function",
            command: "echo",
            depends_on: ["a"],
            params: { own: 1, both: "task", a__x: "mine" },
          },
          { id: "c", type: "function", command: "echo", depends_on: ["b"] },
        ],
        { params: { both: "default", left: "default", given: "default" } },
      ),
      params: { given: "run" },
    });
    expect(state).toBe("completed");
    expect(tasks.a?.output).toEqual({ stdout: "out", stderr: "err", exit_code: 0, x: "from a" });
    expect(tasks.b?.output).toEqual({
      left: "default",
      given: "run",
      both: "task",
      own: 1,
      a__x: "from a",
      a__stdout: "out",
      a__stderr: "err",
      a__exit_code: 0,
    });
    expect(tasks.c?.output).toMatchObject({ b__own: 1, both: "default" });
    expect(tasks.c?.output).not.toHaveProperty("a__x");
  });

  test("outputs: values, nothing, and what cannot be written", async () => {
    const { tasks, state } = await executor.execute({
      dag: define([
        { id: "number", type: "function" },
        { id: "nothing", type: "function" },
        { id: "cycle", type: "function", retries: 3 },
        { id: "none", type: "function", command: "nobody", retries: 3 },
      ]),
    });
    expect(state).toBe("failed");
    expect(tasks.number?.output).toEqual({ result: 42 });
    expect(tasks.nothing?.output).toEqual({});
    expect(tasks.cycle).toMatchObject({ attempts: 1, error: { reason: "output-not-serialisable" } });
    expect(tasks.cycle?.error?.message).toContain("output.self is a reference back");
    expect(tasks.none).toMatchObject({ attempts: 1, error: { reason: "unknown-function" } });
    expect(tasks.none?.error?.message).toContain("cycle, echo, fail, flaky");
  });

  test("a large output goes by reference and arrives whole", async () => {
    const { tasks } = await executor.execute({
      dag: define([
        { id: "big", type: "function", command: "large" },
        { id: "after", type: "function", command: "length", depends_on: ["big"] },
      ]),
    });
    expect(tasks.after?.output).toEqual({ length: 200_000 });
    expect(tasks.big?.output?.text).toBe("x".repeat(200_000));
  });

  test("retries until it goes well; after the last attempt the message says how many", async () => {
    const retry = { backoff: "fixed", initial: "10ms" } as const;
    const { tasks, state } = await executor.execute({
      dag: define([
        { id: "good", type: "function", command: "flaky", retries: 2, retry },
        { id: "bad", command: "echo nope >&2; exit 3", retries: 1, retry },
      ]),
    });
    expect(state).toBe("failed");
    expect(tasks.good).toMatchObject({ state: "completed", attempts: 3, output: { attempt: 3 } });
    expect(tasks.bad).toMatchObject({
      state: "failed",
      attempts: 2,
      error: {
        reason: "exit-nonzero",
        exitCode: 3,
        message: "Task 'bad' failed after 2 attempts: exit code 3: nope",
      },
    });
  });

  test("a failure fails its downstream, and other branches go on", async () => {
    const { tasks, state } = await executor.execute({
      dag: define([
        { id: "bad", command: "exit 1" },
        { id: "below", command: "true", depends_on: ["bad"] },
        { id: "other", command: "true" },
        { id: "after", command: "true", depends_on: ["other"] },
      ]),
    });
    const states = Object.fromEntries(Object.entries(tasks).map(([id, each]) => [id, each.state]));
    expect({ state, ...states }).toEqual({
      state: "failed",
      bad: "failed",
      below: "upstream_failed",
      other: "completed",
      after: "completed",
    });
  });

  test("policies: stop, allow_partial, allow_failure", async () => {
    const bad: Tasks = [
      { id: "bad", command: "exit 1", priority: 9 },
      { id: "next", type: "function", command: "echo", depends_on: ["bad"] },
    ];
    const stopped = await executor.execute({
      dag: define([...bad, { id: "slow", type: "function", command: "hang", depends_on: [] }], {
        on_failure: "stop",
      }),
    });
    expect([stopped.state, stopped.tasks.slow?.state]).toEqual(["failed", "cancelled"]);
    const partial = await executor.execute({ dag: define(bad, { on_failure: "allow_partial" }) });
    expect([partial.state, partial.tasks.next?.state]).toEqual(["completed", "upstream_failed"]);
    const allowed = await executor.execute({
      dag: define([{ ...bad[0], id: "bad", allow_failure: true }, ...bad.slice(1)]),
    });
    expect([allowed.state, allowed.tasks.next?.state]).toEqual(["completed", "completed"]);
  });

  test("time limits: a task's ends its whole process group, a function that does not listen is abandoned", async () => {
    const { tasks } = await executor.execute({
      dag: define([
        { id: "sleeper", command: "echo begun; sleep 100 & sleep 100", timeout: "300ms" },
        { id: "deaf", type: "function", command: "sleep", params: { seconds: 100 }, timeout: "100ms" },
      ]),
    });
    expect(tasks.sleeper).toMatchObject({
      state: "failed",
      error: { reason: "timed-out" },
      output: { stdout: "begun" },
    });
    expect(tasks.deaf?.error?.message).toBe(
      "Task 'deaf' failed after 1 attempt: time limit of 0.1 s reached",
    );
  });

  test("the run's time limit fails it and cancels what is unfinished", async () => {
    const { tasks, state } = await executor.execute({
      dag: define(
        [
          { id: "long", command: "sleep 100" },
          { id: "next", command: "true", depends_on: ["long"] },
        ],
        {
          timeout: "500ms",
        },
      ),
    });
    expect([state, tasks.long?.state, tasks.next?.state]).toEqual(["failed", "cancelled", "cancelled"]);
  });

  test("cancel by signal ends what runs", async () => {
    const stop = new AbortController();
    const from = seen.length;
    const running = executor.execute(
      { dag: define([{ id: "long", command: "sleep 100" }]) },
      { signal: stop.signal },
    );
    await until(() => seen.slice(from).some((each) => each.kind === "attempt-started"));
    stop.abort();
    expect(await running).toMatchObject({ state: "cancelled", tasks: { long: { state: "cancelled" } } });
    await until(
      () => executor.getStatus().activeTasks === 0,
      () => executor.getStatus(),
    );
  });

  test("cancel and inspect by id", async () => {
    const { runId, result } = await executor.submit({ dag: define([{ id: "long", command: "sleep 100" }]) });
    await until(async () => (await executor.inspect(runId))?.tasks.long?.state === "running");
    expect(await executor.cancel(runId)).toBe("accepted");
    expect(await executor.cancel(runId)).toBe("already-ended");
    expect(await executor.cancel("nobody")).toBe("unknown");
    expect((await result()).state).toBe("cancelled");
    expect(await executor.inspect("nobody")).toBeUndefined();
  });

  test("max_parallel holds", async () => {
    const from = seen.length;
    const ids = Array.from({ length: 8 }, (_, i) => `t${i}`);
    await executor.execute({
      dag: define(
        ids.map((id) => ({ id, type: "function", command: "sleep", params: { seconds: 0.02 } })),
        { max_parallel: 2 },
      ),
    });
    let running = 0;
    let most = 0;
    for (const { kind: what } of seen.slice(from)) {
      if (what === "attempt-queued") most = Math.max(most, ++running);
      if (what === "attempt-ended") running--;
    }
    expect(most).toBeLessThanOrEqual(2);
    expect(most).toBeGreaterThan(0);
  });

  test("own task types", async () => {
    const { tasks } = await executor.execute({ dag: define([{ id: "a", type: "shout", command: "hello" }]) });
    expect(tasks.a?.output).toEqual({ said: "HELLO" });
  });

  test("bad input is refused before anything runs", async () => {
    await expect(executor.execute({ dag: { name: "x", tasks: [] } })).rejects.toThrow(
      "at least one is needed",
    );
    await expect(
      executor.execute({ dag: define([{ id: "a", type: "perl", command: "x" }]) }),
    ).rejects.toThrow("unknown type");
    await expect(
      executor.execute({ dag: define([{ id: "a", command: "true" }]), runId: "a.b" }),
    ).rejects.toThrow("not allowed");
    const runId = `${kind}-twice`;
    await executor.execute({ dag: define([{ id: "a", command: "true" }]), runId });
    await expect(executor.execute({ dag: define([{ id: "a", command: "true" }]), runId })).rejects.toThrow(
      "was used before",
    );
  });

  test("many runs at once, and a wide one", async () => {
    const ids = Array.from({ length: 300 }, (_, i) => `m${i}`);
    const wide = define([
      { id: "first", type: "function", command: "number" },
      ...ids.map((id) => ({ id, type: "function", command: "number", depends_on: ["first"] })),
      { id: "last", type: "function", command: "echo", depends_on: ids },
    ]);
    const diamond = define([
      { id: "a", type: "function", command: "nothing" },
      { id: "b", type: "function", command: "nothing", depends_on: ["a"] },
      { id: "c", type: "function", command: "nothing", depends_on: ["a"] },
      { id: "d", type: "function", command: "nothing", depends_on: ["b", "c"] },
    ]);
    const results = await Promise.all([
      executor.execute({ dag: wide }),
      ...Array.from({ length: 50 }, () => executor.execute({ dag: diamond })),
    ]);
    expect(results.map(({ state }) => state)).toEqual(results.map(() => "completed"));
    expect(Object.keys(results[0]?.tasks.last?.output ?? {})).toHaveLength(300);
  });

  test("status", () => {
    const { running, activeTasks, completedTasks, failedTasks, workerCount, queueDepth } =
      executor.getStatus();
    expect({ running, activeTasks, queueDepth }).toEqual({ running: true, activeTasks: 0, queueDepth: 0 });
    expect(workerCount).toBe(kind === "sequential" ? 1 : 5);
    expect(completedTasks).toBeGreaterThan(500);
    expect(failedTasks).toBeGreaterThan(5);
  });
});
