/** Runs that are retried, alike on every executor. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { artifacts } from "../../cmd/library/functions.ts";
import type { LibraryExecutor } from "../../cmd/library/library-executor.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
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

  beforeAll(async () => {
    executor = createExecutor(kind, { nats: server.url, gracePeriod: "200ms" });
    executor.registerFunction("flaky", (_params, { identity }) => {
      if (identity.attempt < 3) throw new Error(`attempt ${identity.attempt} fails`);
      return { attempt: identity.attempt };
    });
    await executor.start();
  });
  afterAll(async () => {
    await executor.stop();
  });

  test("retry of a run: what completed is kept, the rest runs again, as often as it takes", async () => {
    const dag = {
      name: kind,
      tasks: [
        { id: "once", type: "function", command: "echo", params: { x: 1 } },
        { id: "flaky", type: "function", depends_on: ["once"] },
        { id: "after", type: "function", command: "echo", depends_on: ["flaky"] },
      ],
    };
    const { runId, state } = await executor.execute({ dag });
    expect(state).toBe("failed");
    const handle = await executor.retry(runId);
    expect(handle.again).toEqual([{ task: "flaky" }, { task: "after" }]);
    const again = await handle.result();
    expect(again).toMatchObject({
      state: "failed",
      tasks: { once: { attempts: 1 }, flaky: { attempts: 2 }, after: { state: "upstream_failed" } },
    });
    const third = await (await executor.retry(runId, { tasks: ["flaky"] })).result();
    expect(third).toMatchObject({
      runId,
      state: "completed",
      tasks: {
        once: { attempts: 1, output: { x: 1 } },
        flaky: { attempts: 3, output: { attempt: 3 } },
        after: { attempts: 1, output: { flaky__attempt: 3 } },
      },
    });
    expect(await executor.inspect(runId)).toMatchObject({ state: "completed" });
    await expect(executor.retry(runId)).rejects.toThrow(
      `run '${runId}' completed: run the DAG again instead`,
    );
  });

  test("of many instances those run again that failed, and what they hand over joins the rest", async () => {
    executor.registerFunction("make", () => artifacts([1, 2, 3, 4].map((n) => ({ metadata: { n } }))));
    executor.registerFunction("even", ({ n }, { identity }) => {
      if (Number(n) % 2 === 1 && identity.attempt === 1) throw new Error("odd");
      return artifacts([{ metadata: { n: n ?? null, attempt: identity.attempt } }]);
    });
    executor.registerFunction("told", ({ artifacts: given }) => ({ given }));
    const dag: DagDefinition = {
      name: kind,
      tasks: [
        { id: "make", type: "function" },
        { id: "even", type: "function", depends_on: ["make"], fan_mode: "single" },
        { id: "told", type: "function", depends_on: ["even"], fan_mode: "aggregate" },
      ],
    };
    const { runId, tasks } = await executor.execute({ dag });
    expect(tasks.even?.instances?.map(({ state }) => state)).toEqual([
      "failed",
      "completed",
      "failed",
      "completed",
    ]);
    const handle = await executor.retry(runId);
    expect(handle.again).toEqual([{ task: "even", instances: [0, 2] }, { task: "told" }]);
    const again = await handle.result();
    const given = [1, 2, 3, 4].map((n) => ({ metadata: { n, attempt: n % 2 === 1 ? 2 : 1 } }));
    expect(again).toMatchObject({ state: "completed", tasks: { told: { output: { given } } } });
    expect(again.tasks.even?.instances?.map(({ attempts }) => attempts)).toEqual([2, 1, 2, 1]);
  });

  test("retry of a run that was cancelled; of one that goes on, or is unknown, it is refused", async () => {
    const dag = { name: kind, tasks: [{ id: "a", command: 'test "$JETDAG_ATTEMPT" -gt 1 || sleep 30' }] };
    const handle = await executor.submit({ dag });
    await expect(executor.retry(handle.runId)).rejects.toThrow("still goes on");
    await executor.cancel(handle.runId);
    expect((await handle.result()).state).toBe("cancelled");
    await expect(executor.retry(handle.runId, { tasks: ["b"] })).rejects.toThrow("task 'b' is not in run");
    const again = await executor.retry(handle.runId);
    expect(await again.result()).toMatchObject({ state: "completed", tasks: { a: { attempts: 2 } } });
    await expect(executor.retry("nobody")).rejects.toThrow("run 'nobody' is not known");
  });
});
