/** One attempt as a worker runs it: whatever the task does, there is an outcome that can be stored. */
import { describe, expect, test } from "vitest";
import { encodeFact } from "../../internal/contract/facts.ts";
import type { Work } from "../../internal/core/attempt.ts";
import { MAX_OUTCOMES_BYTES } from "../../internal/core/facts.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { encodeValue } from "../../internal/core/stored.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import type { Blobs } from "../../internal/ports/blobs.ts";
import type { TaskExecutor, TaskReturn } from "../../internal/ports/task-executor.ts";
import { DEFAULT_ARTIFACT_LIMITS } from "../../internal/core/new-artifact.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import { type AttemptOptions, runAttempt, Stop } from "../../internal/worker/attempt.ts";
import { noLogs } from "../support/no-logs.ts";
import { outcomes, WORK } from "../conformance/samples.ts";
import { secretsOf } from "../support/secrets.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

const NO_INPUTS: Work["inputs"] = { inline: { run: { inline: {} }, own: {}, upstream: [] } };
const work: Work = { ...WORK, type: "test", timeoutMs: 1_000, inputs: NO_INPUTS };
const clock = new ManualClock();
const blobs = new MemoryBlobs();

function run(
  execute: () => TaskReturn | Promise<TaskReturn>,
  {
    work: given = work,
    stop = new Stop(),
    ...more
  }: Partial<AttemptOptions & { work: Work; stop: Stop }> = {},
): Promise<Outcome> {
  const executor: TaskExecutor = { type: "test", execute: async () => execute() };
  return runAttempt(given, stop, {
    workerId: "w",
    taskTimeoutMs: 1_000,
    blobs,
    clock,
    random: systemRandom,
    patterns: linearPatterns(),
    registry: new TaskExecutorRegistry([executor]),
    graceMs: 10,
    inlineLimit: 64 * 1_024,
    files: hostFiles,
    artifactLimits: DEFAULT_ARTIFACT_LIMITS,
    tell: async () => undefined,
    attemptLogs: noLogs,
    secrets: secretsOf(),
    ...more,
  });
}

function nested(levels: number): JsonObject {
  return JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`) as JsonObject;
}
const bytesOf = (outcome: Outcome): number => encodeFact(outcomes(1, { items: [outcome] })).length;

describe("what cannot be written as JSON is a failure of the task", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  test.each<[string, unknown]>([
    ["too deep", nested(1_001)],
    ["far too deep", nested(50_000)],
    ["a circle", circle],
    ["no JSON", { n: 1n }],
  ])("%s", async (_name, output) => {
    const outcome = await run(() => ({ ok: true, output: output as JsonObject }));
    expect(outcome).toMatchObject({ state: "failed", error: { reason: "output-not-serialisable" } });
    expect(outcome.output).toBeUndefined();
  });

  test("up to the limit it goes", async () => {
    const output = nested(1_000);
    expect(await run(() => ({ ok: true, output }))).toMatchObject({
      state: "completed",
      output: { inline: output },
    });
  });

  test("a failure stays what it is, and says that its output is lost", async () => {
    const error = { reason: "http-status", message: "answered 500" } as const;
    const outcome = await run(() => ({ ok: false, error, output: nested(2_000) }));
    expect(outcome).toMatchObject({ state: "failed", error: { reason: "http-status" } });
    expect(outcome.state === "failed" && outcome.error.message).toMatch(
      /^answered 500 \(and the output has .* deep\)$/,
    );
  });
});

describe("an outcome fits into a fact", () => {
  test.each([
    [
      "an error",
      () => ({ ok: false, error: { reason: "function-error", message: "x".repeat(2_000_000) } }) as const,
    ],
    ["a throw", () => Promise.reject(new Error("\u0001".repeat(2_000_000)))],
  ])("the message of %s is cut, and says so", async (_name, execute) => {
    const outcome = await run(execute);
    expect(bytesOf(outcome)).toBeLessThan(32 * 1_024);
    expect(outcome.state === "failed" && outcome.error.message).toMatch(/ \[… 1995904 characters cut\]$/);
  });

  test.each([
    ["control characters", "\u0001".repeat(60_000)],
    ["another script", "中".repeat(40_000)],
    ["numbers", Array.from({ length: 6_000 }, (_, i) => 1 / (i + 3))],
  ])("the inline limit counts bytes: %s", async (_name, value) => {
    const outcome = await run(() => ({ ok: true, output: { value } }));
    if (outcome.output === undefined || !("ref" in outcome.output)) throw new Error("it is inline");
    const bytes = await blobs.get({ runId: work.runId }, outcome.output.ref);
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({ value });
  });

  test("however high the inline limit is set", async () => {
    const outcome = await run(() => ({ ok: true, output: { text: "x".repeat(300_000) } }), {
      inlineLimit: 1e9,
    });
    expect(bytesOf(outcome)).toBeLessThan(MAX_OUTCOMES_BYTES);
  });
});

test("what returns after its time limit has timed out, also when it could not be told", async () => {
  const busy = (ms: number) => (): TaskReturn => {
    const until = performance.now() + ms;
    while (performance.now() < until);
    return { ok: true, output: { done: true } };
  };
  const limited = { clock: systemClock, taskTimeoutMs: 50 };
  const { timeoutMs: _timeoutMs, ...unlimited } = work;
  expect(await run(busy(80), { ...limited, work: unlimited })).toMatchObject({
    state: "failed",
    error: { reason: "timed-out", message: "time limit of 0.05 s reached" },
    output: { inline: { done: true } },
  });
  expect(await run(busy(1), { ...limited, taskTimeoutMs: 30_000, work: unlimited })).toMatchObject({
    state: "completed",
  });
});

test("an attempt that runs twice keeps both values whole", async () => {
  const texts = ["a".repeat(700_000), "b".repeat(900_000)];
  const read = async ({ output }: Outcome): Promise<unknown> => {
    if (output === undefined || !("ref" in output)) throw new Error("it is inline");
    expect(output.ref.name).toMatch(/^out-extract-0-1-[\w-]{12,}$/);
    return JSON.parse(new TextDecoder().decode(await blobs.get({ runId: work.runId }, output.ref)));
  };
  const twice = await Promise.all(texts.map((text) => run(() => ({ ok: true, output: { text } }))));
  expect(await Promise.all(twice.map(read))).toEqual(texts.map((text) => ({ text })));
});

test("an answer that is none is a failure that says so, not the end of the worker", async () => {
  expect(await run(() => undefined as unknown as TaskReturn)).toMatchObject({
    state: "failed",
    error: { reason: "invalid-outcome" },
  });
});

test("what was told to end says why, as a person reads it", async () => {
  const ended = async (reason: "cancelled" | "released"): Promise<Outcome> => {
    const stop = new Stop();
    const giveUp = (): TaskReturn => {
      stop.now(reason);
      return { ok: false, error: { reason: "killed", message: "ended by SIGTERM" } };
    };
    return run(giveUp, { stop });
  };
  expect(await ended("cancelled")).toMatchObject({
    error: { reason: "cancelled", message: "told to end with its run" },
  });
  expect(await ended("released")).toMatchObject({
    error: {
      reason: "released",
      message: "given back before its end: its worker drains, or it runs elsewhere",
    },
  });
});

test("what is told to end while its inputs are fetched never begins", async () => {
  const inputs = { ref: { name: "large", bytes: 2, chunks: 1 } };
  const stop = new Stop();
  let begun = 0;
  const fetching: Pick<Blobs, "get"> = {
    get: async () => {
      stop.now("cancelled");
      return encodeValue({ run: { inline: {} }, own: {}, upstream: [] });
    },
  };
  const outcome = await run(
    () => {
      begun++;
      return { ok: true, output: {} };
    },
    { work: { ...work, inputs }, blobs: fetching as Blobs, stop },
  );
  expect(outcome).toMatchObject({ state: "failed", error: { reason: "cancelled" } });
  expect(begun).toBe(0);
});

test("what is told to end while its inputs do not come ends without them", async () => {
  const stop = new Stop();
  const silent: Pick<Blobs, "get"> = { get: () => new Promise(() => undefined) };
  const inputs = { ref: { name: "large", bytes: 2, chunks: 1 } };
  const running = run(() => ({ ok: true, output: {} }), {
    work: { ...work, inputs },
    blobs: silent as Blobs,
    stop,
  });
  stop.now("cancelled");
  expect(await running).toMatchObject({ state: "failed", error: { reason: "cancelled" } });
});
