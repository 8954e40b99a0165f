/** What is told of tasks with several instances: as a result, in words, as JSON; of very many as little as can be read. */
import { describe, expect, test } from "vitest";
import { instanceExplainedJson, runExplainedJson, taskExplainedJson } from "../../cmd/dag/explain-json.ts";
import { instanceExplained, taskExplained } from "../../cmd/dag/explain-task-text.ts";
import { letterText } from "../../cmd/dag/dead-text.ts";
import { runExplained } from "../../cmd/dag/explain-text.ts";
import { type Explanation, instanceOf } from "../../cmd/dag/explain.ts";
import { runJson } from "../../cmd/dag/json.ts";
import { nextSteps } from "../../cmd/dag/advice.ts";
import { attemptKey } from "../../internal/core/attempt.ts";
import type { ClusterView, HeldView } from "../../internal/core/cluster-view.ts";
import { messagesOf, tellRun } from "../../internal/core/endings.ts";
import { Graph } from "../../internal/core/graph.ts";
import type { Task } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { waitsOf } from "../../internal/core/waiting.ts";
import { runResult } from "../../internal/executor/run-result.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { messageLines } from "../../internal/telemetry/failures.ts";
import { summary } from "../../internal/telemetry/summary.ts";
import { dag, task } from "../support/dags.ts";
import { asLogged, RUN_SEQ, START, submitted, TestRun } from "../support/facts.ts";
import { fails, files, handsOver } from "../support/handed.ts";

const NOW = START + 1_000;
const rule = { field: "extension", op: "eq", value: ".zip" } as const;
const onlyZip = { list: { rules: [rule] } };

const TASKS: Task[] = [
  task("list"),
  task("fetch", { dependsOn: ["list"], fanMode: "single" }),
  task("pack", { dependsOn: ["fetch"], fanMode: "aggregate" }),
  task("unzip", { dependsOn: ["list"], fanMode: "single", edgeFilters: onlyZip }),
  task("zips", { dependsOn: ["list"], fanMode: "aggregate", edgeFilters: onlyZip }),
  task("group", { dependsOn: ["list"], fanMode: "grouped" }),
];

/** `list` has handed over so many files; `fetch` failed for these. */
function fetched(count: number, { failed = [] as number[], ended = count } = {}): TestRun {
  const run = new TestRun(dag(TASKS));
  run.outcomes(handsOver("list", files(count)));
  const all = Array.from({ length: ended }, (_, index) =>
    failed.includes(index) ? fails("fetch", { index }) : handsOver("fetch", ["copy"], { index }),
  );
  run.outcomes(...all);
  return run;
}

function held(index: number): HeldView {
  return { runId: "run", task: "fetch", index, attempt: 1, workerId: "w9", sinceMs: 50 };
}

const NOBODY: ClusterView = {
  executors: ["e"],
  shares: [],
  workers: [],
  queues: [],
  held: [],
  activeRuns: 1,
};

function explained(run: TestRun, running: readonly number[] = []): Explanation {
  const told = tellRun([asLogged(submitted(run.dag), RUN_SEQ, START), ...run.facts], new Graph(run.dag));
  if (told === undefined) throw new Error("the run cannot be told");
  const view: ClusterView = { ...NOBODY, held: running.map(held) };
  const around = { now: NOW, view, queued: new Set(view.held.map(attemptKey)), queues: new Map() };
  const waits = waitsOf(told.run, { ...around, messages: messagesOf(told) });
  return { ...told, waits, now: NOW, view: undefined };
}

async function resultOf(run: TestRun, running: readonly number[] = []): Promise<RunResult> {
  return runResult(run.fold, run.facts, {
    blobs: new MemoryBlobs(),
    now: NOW,
    runningOn: ({ task: id, index }) => (id === "fetch" && running.includes(index) ? "w9" : undefined),
  });
}

const widely = { width: Number.POSITIVE_INFINITY, leaves: ["pack"], next: [] };

test.each([
  [0, "task 'fetch' of run run (DAG 'd') crashed:", "`dag explain run fetch`"],
  [7, "task 'fetch[7]' of run run (DAG 'd') crashed:", "`dag explain run 'fetch[7]'`"],
])("the dead letter of instance %i names it", (index, title, advice) => {
  const about = { kind: "crashed", runId: "run", task: "fetch", index } as const;
  const loss = { attempt: 1, time: NOW, durationMs: 5, message: "gone" };
  const lines = letterText(
    {
      head: { ...about, id: "1", time: NOW, seq: 1, reason: "lost", losses: 1 },
      letter: { ...about, dagName: "d", gen: 0, losses: [loss] },
    },
    200,
  );
  expect(lines[0]).toContain(title);
  expect(lines.at(-1)).toContain(advice);
});

describe("a result", () => {
  test("has every instance: what it was launched for, and what it has handed over", async () => {
    const { tasks } = await resultOf(fetched(3, { failed: [1], ended: 2 }), [2]);
    const artifact = { mimeType: null, size: null, metadata: {}, origin: "list.0.file0" };
    expect(tasks.fetch).toMatchObject({
      state: "running",
      worker: "w9",
      instances: [
        {
          state: "completed",
          attempts: 1,
          runsFor: "list.0.file0",
          artifacts: [{ ...artifact, id: "fetch.0.copy", name: "copy" }],
        },
        {
          state: "failed",
          runsFor: "list.0.file1",
          error: { message: "Task 'fetch[1]' failed after 1 attempt: exit code 3" },
        },
        { state: "running", runsFor: "list.0.file2" },
      ],
    });
    expect(tasks.list).toMatchObject({ state: "completed", artifacts: { length: 3 } });
    expect(tasks.list).not.toHaveProperty("instances");
    expect(tasks.unzip).toEqual({ state: "filtered", attempts: 0 });
    expect(tasks.zips).toEqual({ state: "skipped", attempts: 0 });
    expect(tasks.group?.instances?.map(({ runsFor }) => runsFor)).toEqual(
      [0, 1, 2].map((i) => `list.0.file${i}`),
    );
  });

  test("of a task says what decides its state, and gives nothing as the task's own", async () => {
    const { fetch } = (await resultOf(fetched(3, { failed: [1] }))).tasks;
    expect(fetch).toMatchObject({ state: "failed", worker: "w", error: { reason: "exit-nonzero" } });
    expect(fetch).not.toHaveProperty("runsFor");
    const { fetch: good } = (await resultOf(fetched(3))).tasks;
    expect(good).not.toHaveProperty("artifacts");
  });

  test("as JSON has all of them by index", async () => {
    const told = JSON.parse(runJson(await resultOf(fetched(2, { failed: [1] })))) as {
      tasks: Record<string, unknown>;
    };
    const handed = { id: "fetch.0.copy", file_name: "copy", file_size: null, mime_type: null, metadata: {} };
    expect(told.tasks.fetch).toMatchObject({
      state: "failed",
      instances: [
        { index: 0, state: "completed", runs_for: "list.0.file0", artifacts: [handed] },
        { index: 1, state: "failed", error: { exit_code: 3 } },
      ],
    });
  });
});

describe("the end of a run", () => {
  test("counts tasks, and instances apart from them", async () => {
    const run = fetched(20, { failed: [3, 4, 5, 6, 7, 8, 9] });
    const lines = summary(await resultOf(run), widely).split("\n");
    expect(lines[1]).toBe("TASK   STATE            INSTANCES        TRIES  WORKER  TIME");
    expect(lines[3]).toBe("fetch  failed           13/20, 7 failed  1      w       5ms");
    expect(lines.find((line) => line.startsWith("group"))).toBe("group  pending          0/20             1");
    expect(lines.filter((line) => line.startsWith("✗") || line.startsWith("…"))).toEqual([
      ...[3, 4, 5, 6, 7].map(
        (i) => `✗ fetch[${i}] (file${i}): Task 'fetch[${i}]' failed after 1 attempt: exit code 3`,
      ),
      "… and 2 more instances of fetch failed",
    ]);
    expect(lines.filter((line) => /^(?:Tasks|Instances) /.test(line))).toEqual([
      "Tasks Succeeded: 1",
      "Tasks Failed: 1",
      "Tasks Skipped: 1",
      "Tasks Filtered: 1",
      "Tasks Upstream Failed: 1",
      "Instances Succeeded: 13/40, 7 failed (of 2 tasks)",
    ]);
  });

  test("says of no instances where there is one of each task, and what was handed over at last", async () => {
    const run = fetched(1);
    run.outcomes(handsOver("pack", files(7)));
    const text = summary(await resultOf(run), widely);
    expect(text).not.toMatch(/instance/i);
    expect(text).toContain(
      "\nArtifacts of pack: 7 artifacts: file0, file1, file2, file3, file4 … and 2 more\n",
    );
  });

  test("points to what to look at", async () => {
    const result = { ...(await resultOf(fetched(9, { failed: [4] }))), state: "failed" } as const;
    expect(nextSteps(result, { cluster: "" }).map(([what]) => what)).toEqual([
      "dag explain run fetch",
      "dag logs run 'fetch[4]'",
      "retries: 3",
      "dag retry run",
    ]);
  });

  test("of 100,000 that failed has a few lines", async () => {
    const all = Array.from({ length: 100_000 }, (_, i) => i);
    const run = new TestRun(dag(TASKS));
    run.outcomes(handsOver("list", files(all.length)));
    run.outcomes(...all.map((index) => fails("fetch", { index })));
    const result = await resultOf(run);
    const lines = summary(result, widely).split("\n");
    expect(lines.length).toBeLessThan(40);
    expect(lines).toContain("… and 99995 more instances of fetch failed");
    expect(messageLines(Object.entries(result.tasks))).toEqual([
      ...all.slice(0, 5).map((i) => `Task 'fetch[${i}]' failed after 1 attempt: exit code 3`),
      "… and 99995 more of fetch",
    ]);
    expect(result.tasks.fetch?.instances).toHaveLength(100_000);
    const told = explained(run);
    expect(runExplained(told, 200).length).toBeLessThan(25);
    expect(taskExplained(told, { position: 1, width: 200 })).toHaveLength(25);
    expect(taskExplainedJson(told, 1)).toMatchObject({ instances: { length: 100_000 } });
  });
});

describe("explained", () => {
  const run = fetched(30, { failed: [7], ended: 10 });
  const told = explained(run, [10, 11]);

  test("a run counts the instances of its tasks", () => {
    expect(runExplained(told, 200).slice(0, 8)).toEqual([
      "test  running  1.0s  (run run)",
      "  6 tasks: 2 unfinished, 1 completed, 1 skipped, 1 filtered, 1 upstream_failed",
      "    fetch: 9/30, 1 failed, 2 running",
      "    group: 0/30",
      "  ! waiting for an executor",
      "  2 running:",
      "    fetch[10] on w9 for 50ms of 1m00s at most",
      "    fetch[11] on w9 for 50ms of 1m00s at most",
    ]);
    expect(runExplained(told, 200).slice(8)).toEqual([
      "  48 waiting for an executor: fetch (18 instances), group (30 instances)",
      "  fetch[7] failed: exit-nonzero: exit code 3",
    ]);
    expect(runExplainedJson(told)).toMatchObject({
      counts: { pending: 2, completed: 1, skipped: 1, filtered: 1, upstream_failed: 1 },
      instances: { fetch: { completed: 9, failed: 1, running: 2, pending: 18 }, group: { pending: 30 } },
      waits: [
        { reason: "running", tasks: ["fetch[10]", "fetch[11]"] },
        { reason: "no-executor", tasks: { length: 48 } },
      ],
    });
  });

  test("a task shows those first that a person has to know of", () => {
    const lines = taskExplained(told, { position: 1, width: 200 });
    expect(lines.slice(0, 7)).toEqual([
      "task 'fetch' of run run (DAG 'test'): running",
      "  30 instances: 9/30, 1 failed, 2 running",
      "  has handed over 9 artifacts: copy, copy, copy, copy, copy … and 4 more",
      "INSTANCE   FOR     STATE    TRIES  WORKER  HOW IT STANDS",
      "fetch[7]   file7   failed   1      w       exit-nonzero: exit code 3",
      "fetch[10]  file10  running  1              running on w9 for 50ms of 1m00s at most",
      "fetch[11]  file11  running  1              running on w9 for 50ms of 1m00s at most",
    ]);
    expect(lines.slice(-2)).toEqual([
      "… and 10 more: 9 completed, 1 pending",
      "`dag explain run 'fetch[7]'` tells of one of them",
    ]);
  });

  test("an instance says what it runs for, and how each of its attempts ended", () => {
    const which = instanceOf("fetch[7]", told.run);
    expect(which).toEqual({ position: 1, instance: 6 + 6 });
    const lines = instanceExplained(told, { instance: which.instance ?? 0, width: 200 });
    expect(lines.slice(0, 2)).toEqual([
      "task 'fetch[7]' of run run (DAG 'test'): failed",
      "  runs for file7, which list has handed over",
    ]);
    expect(lines.at(-1)).toMatch(/^1 +w .* exit-nonzero: exit code 3$/);
    expect(instanceExplainedJson(told, which.instance ?? 0)).toMatchObject({
      task: "fetch",
      index: 7,
      state: "failed",
      runs_for: "list.0.file7",
      attempts: [{ attempt: 1, exit_code: 3 }],
    });
  });

  test.each([
    ["pack", "not started, since these did not succeed: fetch (9/30, 1 failed)"],
    ["unzip", "not started, since there was nothing for it: list (0 of 30 artifacts pass the edge filter)"],
    ["zips", "not started, since a filter left nothing: list (0 of 30 artifacts pass the edge filter)"],
  ])("why %s was not started", (id, why) => {
    const { position } = instanceOf(id, told.run);
    expect(taskExplained(told, { position, width: 200 })[1]).toBe(`  ${why}`);
  });

  test.each([
    ["fetch[30]", "task 'fetch' of run 'run' has the instances 0 to 29: there is no 30"],
    ["list[1]", "task 'list' of run 'run' has one instance: name the task alone"],
    ["fetsh[1]", "task 'fetsh' is not in run 'run': did you mean 'fetch'?"],
    ["fetch[-1]", "task 'fetch[-1]' is not in run 'run': `dag status` shows its tasks"],
  ])("%s is none", (text, problem) => {
    expect(() => instanceOf(text, told.run)).toThrow(problem);
  });

  test("how many a task will have is not known before it is launched", () => {
    const fresh = new TestRun(dag(TASKS)).fold;
    expect(() => instanceOf("fetch[1]", fresh)).toThrow("has not been launched");
    expect(instanceOf("fetch[0]", fresh)).toEqual({ position: 1, instance: 1 });
  });
});
