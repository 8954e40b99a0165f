/** Runs that are retried, alike on every executor. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
    const again = await (await executor.retry(runId)).result();
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
