/** What `dag explain` says of tasks that ended otherwise than well or badly, or wait for something outside. */
import { describe, expect, test } from "vitest";
import { runExplainedJson, taskExplainedJson } from "../../cmd/dag/explain-json.ts";
import { taskExplained } from "../../cmd/dag/explain-task-text.ts";
import { runExplained } from "../../cmd/dag/explain-text.ts";
import type { Explanation } from "../../cmd/dag/explain.ts";
import { messagesOf, tellRun } from "../../internal/core/endings.ts";
import { Graph } from "../../internal/core/graph.ts";
import { waitsOf } from "../../internal/core/waiting.ts";
import { dag, task } from "../support/dags.ts";
import { asLogged, failedWith, RUN_SEQ, skipped, START, submitted, TestRun } from "../support/facts.ts";

const NOW = START + 1_000;

function explained(run: TestRun): Explanation {
  const facts = [asLogged(submitted(run.dag), RUN_SEQ, START), ...run.facts];
  const told = tellRun(facts, new Graph(run.dag));
  if (told === undefined) throw new Error("the run cannot be told");
  const around = { now: NOW, view: undefined, queued: new Set<string>(), queues: new Map() };
  return {
    ...told,
    waits: waitsOf(told.run, { ...around, messages: messagesOf(told) }),
    now: NOW,
    view: undefined,
  };
}
const lines = (run: TestRun, position: number): string[] =>
  taskExplained(explained(run), { position, width: 200 });

describe("skipped", () => {
  const run = new TestRun(
    dag([task("look"), task("load", { dependsOn: ["look"] }), task("report", { dependsOn: ["load"] })]),
  );
  run.outcomes(skipped("look"));

  test("by its own word: the attempt says why", () => {
    expect(lines(run, 0)[0]).toBe("task 'look' of run run (DAG 'test'): skipped");
    expect(lines(run, 0).at(-1)).toMatch(/^1 +- .*skipped: nothing to do$/);
    expect(taskExplainedJson(explained(run), 0)).toMatchObject({
      state: "skipped",
      attempts: [{ attempt: 1, outcome: "skipped", message: "nothing to do" }],
    });
  });

  test("with what it depends on: that says it", () => {
    expect(lines(run, 1).slice(1)).toEqual([
      "  not started, since these were skipped: look",
      "  no attempt has ended",
    ]);
    expect(lines(run, 2)[1]).toBe("  not started, since these were skipped: load");
    expect(taskExplainedJson(explained(run), 2)).toMatchObject({ state: "skipped", attempts: [] });
  });

  test("is counted", () => {
    expect(runExplained(explained(run), 200)[1]).toBe("  3 tasks: 3 skipped");
    expect(runExplainedJson(explained(run))).toMatchObject({ state: "completed", counts: { skipped: 3 } });
  });
});

describe("not yet", () => {
  const look = (attempt: number, more: object = {}): ReturnType<typeof failedWith> =>
    failedWith("look", attempt, {
      reason: "not-yet",
      message: `no file\nyet (${attempt})`,
      againAfterMs: 60_000,
      ...more,
    });

  test("says when it looks again, and what the last look found", () => {
    const run = new TestRun(dag([task("look"), task("below", { dependsOn: ["look"] })]));
    run.outcomes(look(1));
    run.outcomes(look(2));
    const until = new Date(START + 20 + 60_000).toISOString();
    expect(lines(run, 0)[1]).toBe("  looking again in 59.0s: no file yet (2)");
    expect(taskExplainedJson(explained(run), 0)).toMatchObject({
      state: "retrying",
      wait: { reason: "looking", until, for_ms: 59_020, found: "no file\nyet (2)" },
    });
    expect(runExplained(explained(run), 200)).toContain("    look in 59.0s: no file yet (2)");
    expect(runExplainedJson(explained(run))).toMatchObject({
      waits: [
        { reason: "looking", sentence: "looking again", tasks: ["look"] },
        { reason: "upstream", tasks: ["below"] },
      ],
    });
  });

  test("looks that follow each other are one line, what is between them is not lost", () => {
    const run = new TestRun(dag([task("look", { retries: 1 })]));
    for (const attempt of [1, 2, 3]) run.outcomes(look(attempt));
    run.outcomes(failedWith("look", 4, { message: "no network" }));
    run.outcomes(look(5));
    run.outcomes(look(5));
    run.outcomes(look(6, { giveUpAfterMs: 0 }));
    const table = lines(run, 0).filter((line) => /^\d/.test(line));
    expect(table.map((line) => line.replaceAll(/ +- .* {2}/g, " | "))).toEqual([
      "1-3 | not-yet: no file yet (3)",
      "4 | network: no network",
      "5 | not-yet: no file yet (5)",
      "5 | void (not-current): not-yet: no file yet (5)",
      "6 | not-yet: no file yet (6)",
    ]);
  });
});
