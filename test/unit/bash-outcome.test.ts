/** What the end of a script means, and what it hands over. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";

const bash = new BashTaskExecutor();

async function run(script: string, options: JsonObject = {}): Promise<TaskReturn> {
  return bash.execute(call(script, { options }), context());
}

const spawnFailed = (text: string): object => ({
  reason: "spawn-failed",
  message: expect.stringContaining(text),
});

describe("its output", () => {
  test.each([
    ["lines", "printf 'a=1\\nb = x=y\\n' > $JETDAG_OUTPUT_FILE", { a: "1", b: " x=y" }],
    [
      "comments and empty lines",
      "printf '# made by hand\\n\\n  # and\\na=#1\\n' > $JETDAG_OUTPUT_FILE",
      { a: "#1" },
    ],
    ["a JSON object", `echo '{"a": {"b": [1]}}' > $JETDAG_OUTPUT_FILE`, { a: { b: [1] } }],
    ["nothing", "true", {}],
    ["a name that is taken", "echo stdout=mine > $JETDAG_OUTPUT_FILE", {}],
  ])("the output file: %s", async (_name, script, written) => {
    const { output } = await run(script);
    expect(output).toEqual({ ...written, stdout: "", stderr: "", exit_code: 0 });
  });

  test.each([
    ["an object", `echo; echo '{"a": {"b": 1}}'; echo`, { a: { b: 1 } }],
    ["a number", "echo 1.5", { result: 1.5 }],
    ["a list", "echo '[1]'", { result: [1] }],
    ["null, at the end of much else", "yes | head -c 3000000; echo null", { result: null }],
    [
      "the output file over it",
      `echo a=file > $JETDAG_OUTPUT_FILE; echo '{"a": 1, "b": 2}'`,
      { a: "file", b: 2 },
    ],
    ["what every output has over it", `echo '{"exit_code": 1}'`, { exit_code: 0 }],
  ])("the last line as JSON: %s", async (_name, script, output) => {
    expect(await run(script, { output: "json" })).toMatchObject({ ok: true, output });
  });

  test.each([
    ["no JSON", "echo '{a}'", "the last line of stdout is no JSON: {a}"],
    ["nothing", "echo; echo", "has no line"],
    ["a line that is too long", "head -c 3000000 /dev/zero | tr '\\0' 1", "has no line"],
  ])("the last line as JSON: %s", async (_name, script, message) => {
    expect(await run(script, { output: "json" })).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: expect.stringContaining(message) },
    });
  });

  test.each([
    ["neither lines nor JSON", "echo nonsense > $JETDAG_OUTPUT_FILE", "neither KEY=value nor JSON"],
    ["broken JSON", "echo '{x' > $JETDAG_OUTPUT_FILE", "begins like a JSON object"],
    ["a pipe that nobody writes to", "mkfifo $JETDAG_OUTPUT_FILE", "it is no plain file"],
    ["a folder", "mkdir $JETDAG_OUTPUT_FILE", "it is no plain file"],
    ["a link", "ln -s /etc/hostname $JETDAG_OUTPUT_FILE", "it is a link"],
    ["too much", "yes | head -c 1048577 > $JETDAG_OUTPUT_FILE", "it has 1048577 bytes"],
  ])("an output file that is none: %s", async (_name, script, message) => {
    expect(await run(script)).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: expect.stringContaining(message) },
    });
  });
});

describe("its end", () => {
  test.each<[string, string, { options?: JsonObject; error: object }]>([
    [
      "a code",
      "echo last words >&2; exit 9",
      { error: { reason: "exit-nonzero", exitCode: 9, message: "exit code 9: last words" } },
    ],
    ["a code that looks like a signal", "exit 137", { error: { reason: "exit-nonzero", exitCode: 137 } }],
    [
      "a signal",
      "kill -TERM $$",
      { error: { reason: "killed", signal: "SIGTERM", message: "ended by SIGTERM" } },
    ],
    [
      "the kill",
      "kill -9 $$",
      { error: { reason: "killed", signal: "SIGKILL", message: expect.stringContaining("out of memory") } },
    ],
    [
      "a shell that is not there",
      "true",
      { options: { shell: "no-such-shell" }, error: spawnFailed("'no-such-shell' is not there") },
    ],
    [
      "a shell that may not run",
      "true",
      { options: { shell: "/etc" }, error: spawnFailed("permission denied") },
    ],
    [
      "a folder that is not there",
      "true",
      {
        options: { working_dir: "/nowhere" },
        error: spawnFailed("working directory /nowhere does not exist"),
      },
    ],
  ])("%s", async (_name, script, { options, error }) => {
    expect(await run(script, options)).toMatchObject({ ok: false, error });
  });

  test("more environment than the system takes", async () => {
    const env = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`LARGE_${i}`, "x".repeat(120_000)]));
    expect(await bash.execute(call("true", { env }), context())).toMatchObject({
      ok: false,
      error: { reason: "spawn-failed", message: expect.stringContaining("longer than the system allows") },
    });
  });

  test.each<[JsonObject, Record<number, boolean>]>([
    [{}, { 1: true, 75: true }],
    [{ retry_on: [75, 76] }, { 1: false, 75: true, 76: true }],
    [{ no_retry_on: [64] }, { 1: true, 64: false }],
  ])("which codes are tried again with %j", async (options, codes) => {
    for (const [code, isRetried] of Object.entries(codes)) {
      const answer = await run(`exit ${code}`, options);
      expect(answer).toMatchObject({ ok: false, error: { exitCode: Number(code) } });
      expect([code, "error" in answer && answer.error.isFinal]).toEqual([code, isRetried ? undefined : true]);
    }
  });

  test("a code that says that there was nothing to do", async () => {
    const options = { skip_code: 99, retry_on: [1] };
    expect(await run("echo no new rows >&2; exit 99", options)).toMatchObject({
      ok: true,
      skipped: "exit code 99: no new rows",
      output: { exit_code: 99 },
    });
    expect(await run("true", options)).toEqual({
      ok: true,
      output: { stdout: "", stderr: "", exit_code: 0 },
    });
  });

  test("an attempt that has to end before it began does not begin", async () => {
    await using folder = await TestFolder.make();
    expect(
      await bash.execute(call(`touch ${folder.path}/begun`), context(AbortSignal.abort())),
    ).toMatchObject({
      ok: false,
    });
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
