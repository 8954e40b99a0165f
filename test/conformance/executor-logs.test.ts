/** What tasks print and log, as programs that embed an executor read it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BadInput, type LogEntry } from "../../cmd/library/jetdag.ts";
import type { LibraryExecutor } from "../../cmd/library/library-executor.ts";
import { createExecutor, KINDS } from "../support/executors.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const shown = (entries: readonly LogEntry[]): string[] =>
  entries.map((entry) =>
    entry.kind === "gap"
      ? "gap"
      : `${entry.attempt.task}.${entry.attempt.attempt} ${entry.stream} ${entry.text}`,
  );

/** Where a function threw is in its log. */
function stackOf(entries: readonly LogEntry[]): string[] {
  const lines = shown(entries).filter((line) => /^b\.1 log (Error: not yet$| +at )/.test(line));
  if (lines.length === 0) throw new Error("there is no stack");
  return lines;
}

describe.each(KINDS)("%s", (kind) => {
  let executor: LibraryExecutor;
  beforeAll(async () => {
    executor = createExecutor(kind, { nats: server.url });
    executor.registerFunction("flaky", (_params, { identity, log }) => {
      log("trying");
      if (identity.attempt < 2) throw new Error("not yet");
    });
    await executor.start();
  });
  afterAll(async () => {
    await executor.stop();
  });

  test("of a run, a task, an attempt; of others nothing", async () => {
    const tasks = [
      { id: "a", command: "echo out; sleep 0.05; echo err >&2" },
      {
        id: "b",
        type: "function",
        command: "flaky",
        depends_on: ["a"],
        retries: 1,
        retry: { initial: 0.01 },
      },
    ];
    const { runId } = await executor.execute({ dag: { name: "logs", tasks } });
    // The last lines were sent before the outcome, and may be stored a moment later.
    let all: LogEntry[] = [];
    const isThere = async (): Promise<boolean> => {
      all = await executor.logs(runId);
      return shown(all).includes("b.2 log trying");
    };
    await until(isThere, () => shown(all));
    expect(shown(all)).toEqual([
      "a.1 stdout out",
      "a.1 stderr err",
      "b.1 log trying",
      ...stackOf(all),
      "b.2 log trying",
    ]);
    expect(all[0]).toMatchObject({ kind: "line", attempt: { runId, task: "a", index: 0 }, isOpen: false });
    expect(shown(await executor.logs(runId, { task: "b" }))).toEqual(shown(all).slice(2));
    expect(shown(await executor.logs(runId, { task: "b", attempt: 2 }))).toEqual(["b.2 log trying"]);
    expect(await executor.logs("nobody")).toEqual([]);
    for (const task of ["*", "c"]) expect(await executor.logs(runId, { task })).toEqual([]);
    for (const id of ["*", ">", ""]) expect(await executor.logs(id)).toEqual([]);
    await expect(executor.logs(runId, { attempt: 0 })).rejects.toThrow(BadInput);
  });

  test("while it runs, and a line that has no end", async () => {
    const command = 'printf "waits "; while [ ! -e "$JETDAG_TEST_DOOR" ]; do sleep 0.05; done; echo no more';
    const door = `/tmp/jetdag-door-${process.pid}-${kind}`;
    const { runId, result } = await executor.submit({
      dag: { name: "live", tasks: [{ id: "a", command, env: { JETDAG_TEST_DOOR: door } }] },
    });
    const before = await until(async () => {
      const entries = await executor.logs(runId);
      return entries.length > 0 && entries;
    });
    expect(before).toMatchObject([{ text: "waits ", isOpen: true }]);
    await executor.cancel(runId);
    await result();
  });
});
