/** Which secrets an attempt is given, and whether it keeps them to itself. */
import { describe, expect, test } from "vitest";
import type { Inputs, Work } from "../../internal/core/attempt.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { systemRandom } from "../../internal/memory/system.ts";
import type { AttemptLog } from "../../internal/ports/attempt-logs.ts";
import type { Secrets } from "../../internal/ports/secrets.ts";
import type { TaskCall, TaskContext, TaskReturn } from "../../internal/ports/task-executor.ts";
import { DEFAULT_ARTIFACT_LIMITS } from "../../internal/core/new-artifact.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import { type AttemptOptions, runAttempt, Stop } from "../../internal/worker/attempt.ts";
import { WORK } from "../conformance/samples.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { secretsOf } from "../support/secrets.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

const TOKEN = "s3cr3t/t+k3n of ours";
const SECRETS = secretsOf({ TOKEN, "db.password": 'pass"word', short: "abc" });
const NO_INPUTS: Inputs = { run: { inline: {} }, own: {}, upstream: [] };
const blobs = new MemoryBlobs();

interface Seen {
  readonly outcome: Outcome;
  /** As the task executor got it; nothing when it was not called. */
  readonly call: TaskCall | undefined;
  readonly logged: readonly string[];
  readonly printed: { readonly stdout: string; readonly stderr: string };
}

/** Runs an attempt of this work, whose task does this. */
async function run(
  parts: Partial<Work> & { readonly given?: Partial<Inputs> },
  task: (call: TaskCall, context: TaskContext) => TaskReturn | Promise<TaskReturn> = () => ({
    ok: true,
    output: {},
  }),
  more: Partial<AttemptOptions & { readonly stop: Stop }> = {},
): Promise<Seen> {
  const { given = {}, ...work } = parts;
  let call: TaskCall | undefined;
  const logged: string[] = [];
  const printed = { stdout: "", stderr: "" };
  const log: AttemptLog = {
    line: (text) => void logged.push(text),
    print: (stream, bytes) => void (printed[stream] += Buffer.from(bytes).toString()),
    end: () => undefined,
  };
  const execute = async (each: TaskCall, context: TaskContext): Promise<TaskReturn> =>
    task((call = each), context);
  const inputs = { inline: { ...NO_INPUTS, ...given } };
  const outcome = await runAttempt(
    { ...WORK, type: "test", env: {}, options: {}, inputs, ...work },
    more.stop ?? new Stop(),
    {
      workerId: "w",
      taskTimeoutMs: 1_000,
      blobs,
      clock: new ManualClock(),
      random: systemRandom,
      patterns: linearPatterns(),
      registry: new TaskExecutorRegistry([{ type: "test", execute }]),
      graceMs: 10,
      inlineLimit: 64 * 1_024,
      files: hostFiles,
      artifactLimits: DEFAULT_ARTIFACT_LIMITS,
      tell: async () => undefined,
      attemptLogs: { open: () => log },
      secrets: SECRETS,
      ...more,
    },
  );
  return { outcome, call, logged, printed };
}

describe("references", () => {
  test("count in env, options and params, deep and within text", async () => {
    const { call, outcome } = await run({
      env: { AUTH: "Bearer secret://TOKEN", PLAIN: "x" },
      options: { headers: { Authorization: "secret://{TOKEN}" }, list: [1, ["secret://db.password"]] },
      given: {
        run: {
          inline: { url: "pg://app:secret://{db.password}2@host/?t=secret://TOKEN.", run: "secret://TOKEN" },
        },
        own: { deep: [{ deeper: "secret://TOKEN" }], run: "own", "secret://TOKEN": "key" },
      },
    });
    expect(outcome.state).toBe("completed");
    expect(call?.env).toEqual({ AUTH: `Bearer ${TOKEN}`, PLAIN: "x" });
    expect(call?.options).toEqual({ headers: { Authorization: TOKEN }, list: [1, ['pass"word']] });
    expect(call?.params).toEqual({
      url: `pg://app:pass"word2@host/?t=${TOKEN}.`,
      run: "own",
      deep: [{ deeper: TOKEN }],
      "secret://TOKEN": "key",
    });
  });

  test("do not count in the command, nor in what upstream tasks have put out", async () => {
    const { call } = await run({
      command: "echo secret://TOKEN",
      given: { upstream: [["up", { inline: { text: "secret://TOKEN" } }]], own: { mine: "secret://TOKEN" } },
    });
    expect(call?.command).toBe("echo secret://TOKEN");
    expect(call?.params).toEqual({ up__text: "secret://TOKEN", mine: TOKEN });
  });

  test("a value is not looked through again, and its dollars stand for themselves", async () => {
    const secrets = secretsOf({ A: "secret://B $& $1 $$", B: "never" });
    const { call } = await run({ given: { own: { a: "<secret://A>" } } }, undefined, { secrets });
    expect(call?.params).toEqual({ a: "<secret://B $& $1 $$>" });
  });

  test("the text itself can be written", async () => {
    const { call } = await run({
      given: { own: { a: "use secret://{}NAME", b: "secret:// and secret://-" } },
    });
    expect(call?.params).toEqual({ a: "use secret://NAME", b: "secret:// and secret://-" });
  });

  test("without one, everything stays the same object", async () => {
    const env = { A: "b" };
    const options = { deep: { list: [1] } };
    const own = {};
    const inline = { text: "plain" };
    const never: Secrets = { get: () => Promise.reject(new Error("nobody asked")) };
    const { call } = await run({ env, options, given: { own, run: { inline } } }, undefined, {
      secrets: never,
    });
    expect(call?.env).toBe(env);
    expect(call?.options).toBe(options);
    expect(call?.params).toBe(inline);
  });

  test("in params that are stored apart count too", async () => {
    const ref = await blobs.put({ runId: WORK.runId }, "run", Buffer.from('{"a":"secret://TOKEN"}'));
    const { call, outcome } = await run({ given: { run: { ref } } }, () => ({
      ok: true,
      output: { a: TOKEN },
    }));
    expect(call?.params).toEqual({ a: TOKEN });
    expect(outcome.output).toEqual({ inline: { a: "***" } });
  });
});

describe("what is not to be had fails the attempt", () => {
  const failing = (get: Secrets["get"]): Partial<AttemptOptions> => ({ secrets: { get } });
  test.each<[string, string, Partial<AttemptOptions>, string, string]>([
    ["missing", "secret://GONE", {}, "missing-secret", "secret 'GONE': there is no GONE here"],
    ["empty", "secret://E", failing(async () => ""), "missing-secret", "secret 'E': it is empty"],
    [
      "with a NUL",
      "secret://N",
      failing(async () => "a\0b"),
      "missing-secret",
      "secret 'N': it holds a NUL character",
    ],
    [
      "too long",
      "secret://L",
      failing(async () => "x".repeat(65_537)),
      "missing-secret",
      "secret 'L': it has more than 65536 characters",
    ],
    [
      "no name",
      "secret://{../etc}",
      {},
      "bad-input",
      "'../etc' in secret://{../etc} is no name of a secret: use A-Z a-z 0-9 _ . - and begin and end with none of . and -",
    ],
    [
      "a fault",
      "secret://F",
      failing(() => Promise.reject(new Error("value is hunter2"))),
      "missing-secret",
      "secret 'F': it could not be looked up",
    ],
  ])("%s", async (...[, text, more, reason, message]) => {
    const { outcome, call } = await run({ given: { own: { text } } }, undefined, more);
    expect(call).toBeUndefined();
    expect(outcome).toMatchObject({ state: "failed", error: { reason, message } });
  });

  test("one that is told to end while it looks never begins, and looks no further", async () => {
    const stop = new Stop();
    const asked: string[] = [];
    const get: Secrets["get"] = async (name) => {
      asked.push(name);
      stop.now("cancelled");
      return new Promise(() => undefined);
    };
    const { outcome, call } = await run({ given: { own: { a: "secret://A secret://B" } } }, undefined, {
      ...failing(get),
      stop,
    });
    expect(outcome).toMatchObject({ state: "failed", error: { reason: "cancelled" } });
    expect([call, asked]).toEqual([undefined, ["A"]]);
  });
});

describe("what the task says is masked", () => {
  const named = { env: { T: "secret://TOKEN" } };
  const base64 = Buffer.from(`user:${TOKEN}`).toString("base64");

  test("its output, however deep, also when it is stored apart", async () => {
    const output: JsonObject = { t: TOKEN, list: [{ [TOKEN]: encodeURIComponent(TOKEN) }], auth: base64 };
    const { outcome } = await run(named, () => ({ ok: true, output }));
    expect(JSON.stringify(outcome.output)).not.toMatch(/s3cr3t|czNjcj/);
    expect(outcome.output).toMatchObject({ inline: { t: "***", list: [{ "***": "***" }] } });
    const large = await run(named, () => ({ ok: true, output: { text: `${"x".repeat(70_000)}${TOKEN}` } }));
    if (large.outcome.output === undefined || !("ref" in large.outcome.output))
      throw new Error("it is inline");
    const bytes = Buffer.from(await blobs.get({ runId: WORK.runId }, large.outcome.output.ref)).toString();
    expect(bytes).toMatch(/^\{"text":"x{70000}\*\*\*"\}$/);
  });

  test("what an object makes of itself as JSON", async () => {
    const output = { at: { toJSON: () => `now ${TOKEN}` } } as unknown as JsonObject;
    expect((await run(named, () => ({ ok: true, output }))).outcome.output).toEqual({
      inline: { at: "now ***" },
    });
  });

  test.each<[string, (call: TaskCall) => TaskReturn | Promise<TaskReturn>]>([
    ["a failure", ({ env }) => ({ ok: false, error: { reason: "exit-nonzero", message: `got ${env.T}` } })],
    ["a rejection", ({ env }) => Promise.reject(new Error(`got ${env.T}`))],
    [
      "a throw",
      ({ env }) => {
        throw new Error(`got ${env.T}`);
      },
    ],
    [
      "an output that is no JSON",
      ({ env }) => ({
        ok: true,
        output: {
          get a(): string {
            throw new Error(`got ${env.T}`);
          },
        },
      }),
    ],
  ])("the message of %s", async (_name, task) => {
    const { outcome } = await run(named, task);
    expect(outcome.state === "failed" && outcome.error.message).toMatch(/got \*\*\*$/);
  });

  test("a message that is cut within it, and the piece of a text that is no JSON", async () => {
    const long = await run(named, () => {
      throw new Error("x".repeat(4_090) + TOKEN);
    });
    expect(long.outcome).toMatchObject({ error: { message: `${"x".repeat(4_090)}***` } });
    const parsed = await run(
      named,
      () => JSON.parse(`{"a": "aaaaaaaaaaaaaaaaaaaaa", "b": ${TOKEN}, "c": 1}`) as TaskReturn,
    );
    expect(JSON.stringify(parsed.outcome)).toContain("not valid JSON");
    expect(JSON.stringify(parsed.outcome)).not.toMatch(/s3c|k3n/);
  });

  test("why it was skipped", async () => {
    const { outcome } = await run(named, () => ({ ok: true, output: {}, skipped: `no ${TOKEN}` }));
    expect(outcome).toMatchObject({ state: "skipped", message: "no ***" });
  });

  test("its log, line by line, and what it prints, however it comes", async () => {
    const { logged, printed } = await run(named, (_call, context) => {
      context.log(`begun with ${TOKEN}`);
      context.print("stdout", Buffer.from("out s3cr3t"));
      context.print("stderr", Buffer.from("err s3"));
      context.print("stdout", Buffer.from("/t+k3n of ours!\nlast s3cr"));
      return { ok: true, output: {} };
    });
    expect(logged).toEqual(["begun with ***"]);
    expect(printed).toEqual({ stdout: "out ***!\nlast s3cr", stderr: "err s3" });
  });

  test("also after its time", async () => {
    const stop = new Stop();
    const { outcome } = await run(
      named,
      () => {
        stop.now("timed-out");
        return { ok: false, error: { reason: "killed", message: "" }, output: { got: TOKEN } };
      },
      { stop },
    );
    expect(outcome).toMatchObject({ error: { reason: "timed-out" }, output: { inline: { got: "***" } } });
  });
});

describe("types that a worker does not run", () => {
  test("are refused, and the message names the setting", async () => {
    const { outcome, call } = await run({}, undefined, { allow: ["http", "function"] });
    expect(call).toBeUndefined();
    expect(outcome).toMatchObject({
      error: {
        reason: "refused",
        message: "tasks of type 'test' are not allowed on this worker, see --allow; allowed: http, function",
      },
    });
    expect((await run({}, undefined, { allow: ["test"] })).outcome.state).toBe("completed");
  });

  test("are told apart from those that it lacks", async () => {
    const { outcome } = await run({ type: "docker" }, undefined, { allow: ["docker"] });
    expect(outcome).toMatchObject({ error: { reason: "unknown-type" } });
  });
});
