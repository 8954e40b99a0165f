/** Does the judge of the fault tests see each kind of violation, and none where all is well? */
import { describe, expect, test } from "vitest";
import type { Fact, LoggedFact, RunEndState } from "../../internal/core/facts.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { check, type Evidence, type Findings } from "../faults/support/checker.ts";
import { readTruth, type Fault, type TruthLine } from "../faults/support/evidence.ts";
import { dag, task } from "../support/dags.ts";
import { failed, submitted } from "../support/facts.ts";

const DAG = dag([task("a"), task("b", { dependsOn: ["a"] })]);
const RUN = { runId: "run", dag: DAG, mayEndAs: ["completed"] as RunEndState[] };

/** A log and a ground truth, as a test writes them; times are in milliseconds. */
class Story {
  readonly facts: LoggedFact[] = [];
  readonly truth: TruthLine[] = [];
  #seq = 6;

  constructor() {
    this.fact(0, submitted(DAG));
  }

  fact(time: number, fact: Fact): this {
    this.facts.push({ seq: ++this.#seq, time, runId: "run", partition: 0, fact });
    return this;
  }

  outcome(time: number, outcome: Outcome): this {
    const fact = { kind: "outcomes", runSeq: 7, items: [outcome], queue: "q", incarnation: "w" } as const;
    return this.fact(time, { ...fact, n: this.#seq });
  }

  completed(time: number, token: string): this {
    const [task = "", attempt = ""] = token.split("-");
    return this.outcome(time, {
      task,
      index: 0,
      attempt: Number(attempt),
      state: "completed",
      durationMs: 1,
      output: { inline: { token } },
    });
  }

  finished(time: number, state: RunEndState): this {
    return this.fact(time, { kind: "finished", gen: 0, state, durationMs: time });
  }

  /** The token is `<task>-<attempt>-<worker>`, with anything behind it. */
  ran(token: string, [from, to]: [number, number?], inputs: Record<string, string> = {}): this {
    const [task = "", attempt = "", worker = ""] = token.split("-");
    const line = { run: "run", task, attempt: Number(attempt), worker, token };
    this.truth.push({ ...line, event: "start", time: from, inputs });
    if (to !== undefined) this.truth.push({ ...line, event: "end", time: to, how: "completed" });
    return this;
  }

  check(more: Partial<Evidence> = {}): Findings {
    const { facts, truth } = this;
    return check({ runs: [RUN], facts, truth, faults: [], cancelMs: 1_000, ...more });
  }
}

/** All went well. */
function goodStory(): Story {
  return new Story()
    .ran("a-1-w1", [10, 20])
    .completed(21, "a-1-w1")
    .ran("b-1-w2", [30, 40], { a: "a-1-w1" })
    .completed(41, "b-1-w2")
    .finished(42, "completed");
}

const result = (token: string): ReadonlyMap<string, RunResult> => {
  const shown = (token: string): RunResult["tasks"][string] => ({
    state: "completed",
    attempts: 1,
    output: { token },
  });
  const tasks = { a: shown("a-1-w1"), b: shown(token) };
  return new Map([["run", { runId: "run", dag: "test", state: "completed", durationMs: 42, tasks }]]);
};

const KILLED: Fault = { kind: "worker killed", target: "w1", from: 25 };

test("nothing is found where all is well", () => {
  expect(goodStory().check({ results: result("b-1-w2") })).toEqual({
    lost: [],
    acceptedTwice: [],
    dependencyBroken: [],
    startedAfterCancel: [],
    unexplained: [],
    doubled: 0,
    again: 0,
    explainedBy: {},
    voids: {},
  });
});

test("a line that is half written counts for nothing", () => {
  const line = JSON.stringify(goodStory().truth[0]);
  expect(readTruth(`${line}\n${line.slice(0, 20)}`)).toHaveLength(1);
});

describe("lost", () => {
  test("a run that the log does not know", () => {
    expect(goodStory().check({ facts: [] }).lost).toEqual([expect.stringContaining("does not know it")]);
  });

  test("a run that has not ended", () => {
    const story = new Story().ran("a-1-w1", [10, 20]).completed(21, "a-1-w1");
    expect(story.check().lost).toEqual([expect.stringContaining("has not ended")]);
  });

  test("a run that ended in another way than it had to", () => {
    const story = new Story().outcome(5, failed("a")).finished(6, "failed");
    expect(story.check().lost).toEqual([expect.stringContaining("ended as failed and not as completed")]);
  });

  test("a task that the run completed without", () => {
    const story = new Story().ran("a-1-w1", [10, 20]).completed(21, "a-1-w1").finished(22, "completed");
    expect(story.check().lost).toEqual([expect.stringContaining("run b: its run completed without it")]);
  });

  test.each([
    ["never ran", (story: Story) => story.truth.splice(2, 2)],
    ["did not come to its end", (story: Story) => story.truth.splice(3, 1)],
  ])("a task that is said to have completed and %s", (_how, spoil) => {
    const story = goodStory();
    spoil(story);
    expect(story.check().lost).toEqual([expect.stringContaining("run b: completed, says the log")]);
  });
});

describe("accepted twice", () => {
  test("the second outcome was handed on", () => {
    const story = new Story()
      .ran("a-1-w1", [10, 20])
      .ran("a-1-w3", [11, 22])
      .completed(21, "a-1-w1")
      .completed(23, "a-1-w3")
      .ran("b-1-w2", [30, 40], { a: "a-1-w3" })
      .completed(41, "b-1-w2")
      .finished(42, "completed");
    const findings = story.check();
    expect(findings.acceptedTwice).toEqual([expect.stringContaining("given another outcome of a")]);
    expect(findings.voids).toEqual({ "the task had completed": 1 });
  });

  test("another outcome is shown than the log's first", () => {
    const findings = goodStory().check({ results: result("b-1-w9") });
    expect(findings.acceptedTwice).toEqual([expect.stringContaining("run b: another outcome is shown")]);
  });

  test("the state that is shown is not the one that was announced", () => {
    const results = new Map([...result("b-1-w2")].map(([id, shown]) => [id, { ...shown, state: "failed" }]));
    const findings = goodStory().check({ results: results as ReadonlyMap<string, RunResult> });
    expect(findings.acceptedTwice).toEqual([expect.stringContaining("shown as failed, announced as comp")]);
  });
});

describe("dependency broken", () => {
  test("a start before the upstream's outcome was in the log", () => {
    const story = new Story()
      .ran("a-1-w1", [10, 20])
      .ran("b-1-w2", [25, 40], { a: "a-1-w1" })
      .completed(30, "a-1-w1")
      .completed(41, "b-1-w2")
      .finished(42, "completed");
    expect(story.check().dependencyBroken).toEqual([expect.stringContaining("started before a had compl")]);
  });

  test("a start though the upstream failed", () => {
    const story = new Story().outcome(5, failed("a")).ran("b-1-w2", [25, 40]).finished(42, "completed");
    expect(story.check().dependencyBroken).toEqual([expect.stringContaining("started before a had compl")]);
  });

  test("a start without the upstream's output", () => {
    const story = goodStory();
    story.truth[2] = { ...(story.truth[2] as TruthLine), inputs: {} };
    expect(story.check().dependencyBroken).toEqual([expect.stringContaining("without the output of a")]);
  });

  test("a second attempt before the first had failed", () => {
    const story = goodStory().ran("a-2-w2", [15, 30]);
    const findings = story.check({ faults: [KILLED] });
    expect(findings.dependencyBroken).toEqual([expect.stringContaining("before attempt 1 had failed")]);
  });

  test("something of a run that nobody submitted", () => {
    const story = goodStory();
    story.truth.push({ ...(story.truth[0] as TruthLine), run: "other", token: "x" });
    expect(story.check().dependencyBroken).toEqual([expect.stringContaining("other: something ran")]);
  });
});

describe("started after cancel", () => {
  const cancelled = { ...RUN, mayEndAs: ["cancelled"] as RunEndState[] };
  const story = (startedAt: number): Story =>
    new Story()
      .fact(100, { kind: "cancel", gen: 0, cause: "request", message: "" })
      .finished(101, "cancelled")
      .ran("a-1-w1", [startedAt, startedAt + 5])
      .completed(startedAt + 6, "a-1-w1");

  test("what starts later than it takes to tell everybody", () => {
    expect(story(1_101).check({ runs: [cancelled] }).startedAfterCancel).toEqual([
      expect.stringContaining("started on w1 1001 ms after the cancel"),
    ]);
  });

  test("what was on its way is no violation, and its outcome is void", () => {
    const findings = story(1_090).check({ runs: [cancelled] });
    expect(findings.startedAfterCancel).toEqual([]);
    expect(findings.voids).toEqual({ "the run was over": 1 });
  });
});

describe("what runs more than once", () => {
  /** Attempt 1 of a is lost with w1, or doubled on w3. */
  const lost = (): Story =>
    new Story()
      .ran("a-1-w1", [10])
      .outcome(50, { ...failed("a", 1, "lost"), worker: "w1" })
      .ran("a-2-w2", [60, 70])
      .completed(71, "a-2-w2")
      .ran("b-1-w2", [80, 90], { a: "a-2-w2" })
      .completed(91, "b-1-w2")
      .finished(92, "completed");
  const doubled = (): Story => goodStory().ran("a-1-w3", [26, 29]);

  test("a loss is explained by its worker's death", () => {
    const findings = lost().check({ faults: [KILLED] });
    expect(findings).toMatchObject({ unexplained: [], again: 1, explainedBy: { "worker killed": 1 } });
  });

  test.each<[string, Fault[]]>([
    ["nothing", []],
    ["the death of another", [{ ...KILLED, target: "w2" }]],
    ["a death that came later", [{ ...KILLED, from: 65 }]],
    ["a server that was killed", [{ kind: "server killed", target: "nats", from: 20, to: 30 }]],
    ["an executor that was killed", [{ ...KILLED, kind: "executor killed" }]],
    ["a drain", [{ ...KILLED, kind: "worker drained" }]],
  ])("a loss is not explained by %s", (_what, faults) => {
    const { unexplained } = lost().check({ faults });
    expect(unexplained).toContainEqual(expect.stringContaining("lost with w1, to whom nothing was done"));
  });

  test("a second execution of an attempt is counted and has to be explained", () => {
    const findings = doubled().check();
    expect(findings.doubled).toBe(1);
    expect(findings.unexplained).toEqual([expect.stringContaining("attempt 1 on w1, and attempt 1 on w3")]);
  });

  test.each<Fault>([
    { ...KILLED, kind: "worker frozen", to: 30 },
    { ...KILLED, kind: "worker cut off", target: "w3", to: 30 },
    { kind: "server killed", target: "nats", from: 20, to: 24 },
  ])("a second execution is explained by: $kind", (fault) => {
    expect(doubled().check({ faults: [fault] })).toMatchObject({
      unexplained: [],
      doubled: 1,
      explainedBy: { [fault.kind]: 1 },
    });
  });

  test.each<Fault>([
    { kind: "executor killed", target: "e1", from: 5 },
    { kind: "executor frozen", target: "e1", from: 5, to: 30 },
    { ...KILLED, kind: "worker drained" },
    { kind: "server killed", target: "nats", from: 27, to: 28 },
  ])("a second execution is not explained by: $kind at $from", (fault) => {
    expect(doubled().check({ faults: [fault] }).unexplained).toHaveLength(1);
  });

  test("what a drain gave back runs again, and a retry needs no explanation", () => {
    const drained: Fault = { ...KILLED, kind: "worker drained" };
    const story = (outcome: Outcome): Story =>
      new Story()
        .ran("a-1-w1", [10, 20])
        .outcome(21, { ...outcome, worker: "w1" })
        .ran("a-2-w2", [60, 70]);
    expect(story(failed("a", 1, "released")).check({ faults: [drained] })).toMatchObject({
      unexplained: [],
      again: 1,
    });
    expect(story(failed("a", 1, "released")).check().unexplained).toHaveLength(1);
    expect(story(failed("a", 1, "function-error")).check()).toMatchObject({ unexplained: [], again: 0 });
  });
});
