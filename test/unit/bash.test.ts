/** What a script is given, how it is run, and what it prints. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const textOf = (output: JsonObject | undefined): string =>
  typeof output?.stdout === "string" ? output.stdout : "";

const bash = new BashTaskExecutor();

async function run(script: string, options: JsonObject = {}, params: JsonObject = {}): Promise<TaskReturn> {
  return bash.execute(call(script, { options, params }), context());
}

describe("its surroundings", () => {
  test("identity and params by environment and file; the worker's own variables are not there", async () => {
    const own = new BashTaskExecutor({
      env: { PATH: process.env.PATH, NATS_URL: "secret", JETDAG_ID: "w", KEPT: "yes" },
    });
    const params = {
      text: "a 'b' \"c\" $(id)\nd",
      n: 5,
      none: null,
      list: [1],
      "odd key": "o",
      large: "x".repeat(40_000),
    };
    const script = 'env -0 | tr "\\n" "~" | tr "\\0" "\\n" | grep -v large; cat "$JETDAG_PARAMS_FILE"';
    const { ok, output } = await own.execute(call(script, { params, env: { TASK: "own" } }), context());
    expect(ok).toBe(true);
    const lines = textOf(output).split("\n");
    const variables = Object.fromEntries(lines.slice(0, -1).map((line) => line.split(/=(.*)/s).slice(0, 2)));
    expect(variables).toMatchObject({
      JETDAG_RUN_ID: "r",
      JETDAG_TASK_ID: "t",
      JETDAG_INDEX: "0",
      JETDAG_ATTEMPT: "2",
      JETDAG_IDEMPOTENCY_KEY: "r.t.0.2",
      JETDAG_PARAM_text: "a 'b' \"c\" $(id)~d",
      JETDAG_PARAM_n: "5",
      JETDAG_PARAM_none: "",
      JETDAG_PARAM_odd_key: "o",
      KEPT: "yes",
      TASK: "own",
    });
    for (const name of ["NATS_URL", "JETDAG_ID", "JETDAG_PARAM_list", "JETDAG_PARAM_large"])
      expect(variables).not.toHaveProperty(name);
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual(params);
    expect(existsSync(variables.JETDAG_PARAMS_FILE as string)).toBe(false);
  });

  test("only the variables of the worker that are allowed", async () => {
    const env = {
      PATH: process.env.PATH,
      LC_ALL: "C",
      LC_TIME: "C",
      LANG: "C",
      OTHER: "x",
      NATS_URL: "secret",
    };
    const strict = new BashTaskExecutor({ env, allowEnv: ["PATH", "LC_*", "NATS_*"] });
    const { output } = await strict.execute(call("env | cut -d= -f1 | grep -v JETDAG_ | sort"), context());
    expect(textOf(output).split("\n")).toEqual(["LC_ALL", "LC_TIME", "PATH", "PWD", "SHLVL", "_"]);
  });

  test("a params file is there without params too", async () => {
    expect((await run('cat "$JETDAG_PARAMS_FILE"')).output).toMatchObject({ stdout: "{}" });
  });

  test("an empty folder of its own, which nobody else can look into, and which is gone after it", async () => {
    await using folder = await TestFolder.make();
    const own = `pwd; ls -A | wc -l; stat -c %a .; mkdir -p a/b; touch a/b/c; ln -s ${folder.path} link; cp "$JETDAG_PARAMS_FILE" .`;
    const [one, two] = await Promise.all([run(own, {}, { a: 1 }), run(own)]);
    const lines = [one, two].map(({ output }) => textOf(output).split("\n"));
    expect(lines.map(([, ...rest]) => rest)).toEqual([
      ["0", "700"],
      ["0", "700"],
    ]);
    const paths = lines.map(([path = ""]) => path);
    expect(new Set(paths).size).toBe(2);
    expect(paths.filter((path) => existsSync(path))).toEqual([]);
    expect(statSync(folder.path).isDirectory()).toBe(true);
  });

  test("a working directory by its path, from where the worker runs", async () => {
    await using folder = await TestFolder.make();
    const from = new BashTaskExecutor({ cwd: folder.path });
    const pwd = async (options: JsonObject): Promise<string> =>
      textOf((await from.execute(call("mkdir -p inner; pwd", { options }), context())).output);
    expect(await pwd({})).toBe(folder.path);
    expect(await pwd({ working_dir: "inner" })).toBe(join(folder.path, "inner"));
    expect(await pwd({ working_dir: "/" })).toBe("/");
    expect(textOf((await run("pwd", { working_dir: "." })).output)).toBe(process.cwd());
  });

  test("stdin: what it is given, and nothing without", async () => {
    expect((await run("cat", { stdin: "a\n'b' $(id)" })).output).toMatchObject({ stdout: "a\n'b' $(id)" });
    expect((await run("cat")).output).toMatchObject({ stdout: "" });
    expect(await run("exit 3", { stdin: "x".repeat(1_000_000) })).toMatchObject({ error: { exitCode: 3 } });
  });
});

describe("what runs", () => {
  test("a file, with arguments; its path begins where the worker runs", async () => {
    await using folder = await TestFolder.make();
    await folder.write("it.sh", 'echo "$0:$#:$1:$2"');
    const from = new BashTaskExecutor({ cwd: folder.path });
    const options = { file: "it.sh", args: ["a b", "--x"] };
    const { output } = await from.execute(call("", { options }), context());
    expect(output).toMatchObject({ stdout: `${folder.path}/it.sh:2:a b:--x` });
    expect(await run("", { file: `${folder.path}/none.sh` })).toMatchObject({
      error: { reason: "exit-nonzero", exitCode: 127, message: expect.stringContaining("none.sh") },
    });
  });

  test("a file by its own first line", async () => {
    await using folder = await TestFolder.make();
    const file = await folder.write("it", `#!${process.execPath}\nconsole.log(process.argv[2])`);
    await chmod(file, 0o755);
    expect((await run("", { file, shell: "env", args: ["x"] })).output).toMatchObject({ stdout: "x" });
  });

  test.each([
    ["sh", "echo $1", "x"],
    ["bash -eu -o pipefail", "false | echo $1", undefined],
    [process.execPath, "console.log(process.argv[2])", "x"],
    [" bash  --norc ", "echo $1", "x"],
  ])("another shell: %s", async (shell, script, stdout) => {
    const { ok, output } = await run(script, { shell, args: ["x"] });
    expect({ ok, stdout: ok ? textOf(output) : undefined }).toEqual({ ok: stdout !== undefined, stdout });
  });

  test("a script is an argument, or a file that is gone after it", async () => {
    expect((await run("echo $0 $1", { args: ["x"] })).output).toMatchObject({ stdout: "bash x" });
    const path = textOf((await run("echo $0", { shell: "bash" })).output);
    expect(path).toMatch(/\.script$/);
    expect(existsSync(path)).toBe(false);
  });

  test("values of params as arguments", async () => {
    const params = { text: "a b", none: null, n: 1.5, list: [1, { a: "x" }], yes: true };
    const args = Object.keys(params).map((param) => ({ param }));
    const { output } = await run('printf "%s|" "$@"', { args }, params);
    expect(output).toMatchObject({ stdout: 'a b||1.5|[1,{"a":"x"}]|true|' });
  });

  test.each([
    ["that is not there", {}, "there is no param 'x'"],
    ["with a NUL character", { x: "a\0b" }, "param 'x' holds a NUL character"],
  ])("a param as an argument %s", async (_name, params, message) => {
    expect(await run("true", { args: [{ param: "x" }] }, params)).toMatchObject({
      ok: false,
      error: { reason: "bad-input", message: expect.stringContaining(message) },
    });
  });

  test("no value becomes a part of the script", async () => {
    await using folder = await TestFolder.make();
    const evil = `'; touch ${folder.path}/1 #"; touch ${folder.path}/2 #\n$(touch ${folder.path}/3)\`touch ${folder.path}/4\``;
    const params = { evil, [`a; touch ${folder.path}/5`]: "x", "b[$(touch /tmp/6)]": "y", "-o": "z" };
    const args = [{ param: "evil" }, evil, "-c", `touch ${folder.path}/7`];
    const script = 'printf "%s" "$JETDAG_PARAM_evil" "$1" "$2"; [ "$JETDAG_PARAM_evil" = "$1" ]';
    for (const shell of [undefined, "sh", "bash -eu"]) {
      const options = { args, stdin: evil, ...(shell === undefined ? {} : { shell }) };
      const { ok, output } = await run(script, options, params);
      expect({ ok, stdout: textOf(output) }).toEqual({ ok: true, stdout: evil.repeat(3) });
    }
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("what it prints", () => {
  test("as it comes, apart and in its order", async () => {
    await using folder = await TestFolder.make();
    const heard: string[] = [];
    const wait = (step: number): string => `until [ -e ${folder.path}/${step} ]; do sleep 0.01; done`;
    const script = `echo a; ${wait(1)}; echo b >&2; ${wait(2)}; printf c; ${wait(3)}; printf "\\xff\\0"`;
    const print = (stream: string, bytes: Uint8Array): void =>
      void heard.push(`${stream} ${Buffer.from(bytes).toString("latin1")}`);
    const running = bash.execute(call(script), { ...context(), print });
    for (const [i, next] of ["stdout a\n", "stderr b\n", "stdout c"].entries()) {
      await until(
        () => heard.at(i) === next,
        () => heard,
      );
      await folder.write(String(i + 1), "");
    }
    const { output } = await running;
    expect(heard.join("+")).toBe("stdout a\n+stderr b\n+stdout c+stdout \xff\0");
    expect(output).toMatchObject({ stdout: "a\nc\uFFFD\0", stderr: "b" });
  });

  test("100 MB of output: head and tail are kept, the cut says so", async () => {
    const { ok, output } = await run("echo begin; yes | head -c 100000000; echo end");
    expect({ ok, cut: output?.stdout_truncated }).toEqual({ ok: true, cut: true });
    const text = textOf(output);
    expect(text.length).toBeLessThan(1_100_000);
    expect(text.startsWith("begin\ny\n")).toBe(true);
    expect(text.endsWith("y\nend")).toBe(true);
    expect(text).toMatch(/\[… 9\d{7} bytes cut …\]/);
  });
});

test("nothing of any attempt is left", async () => {
  const { output } = await run(
    "pwd; mkdir -p a/b; chmod 0 a; mkdir $JETDAG_OUTPUT_FILE; touch $JETDAG_OUTPUT_FILE/x",
  );
  expect(readdirSync(dirname(textOf(output)))).toEqual(["no-params.json"]);
});
