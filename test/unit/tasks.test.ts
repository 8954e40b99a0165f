import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const isRunning = (pid: number): boolean => {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] !== "Z";
};

const textOf = (output: JsonObject | undefined): string =>
  typeof output?.stdout === "string" ? output.stdout : "";

describe("bash", () => {
  const bash = new BashTaskExecutor();

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
    const { output } = await bash.execute(call(script), context());
    expect(output).toEqual({ ...written, stdout: "", stderr: "", exit_code: 0 });
  });

  test.each([
    ["neither lines nor JSON", "echo nonsense > $JETDAG_OUTPUT_FILE", "bad-output"],
    ["broken JSON", "echo '{x' > $JETDAG_OUTPUT_FILE", "bad-output"],
    ["an exit code", "echo last words >&2; exit 9", "exit-nonzero"],
    ["a signal", "kill -9 $$", "killed"],
  ])("failures: %s", async (_name, script, reason) => {
    expect(await bash.execute(call(script), context())).toMatchObject({ ok: false, error: { reason } });
  });

  test("a working directory that is not there", async () => {
    const lost = new BashTaskExecutor({ cwd: "/nowhere" });
    expect(await lost.execute(call("true"), context())).toMatchObject({
      ok: false,
      error: { reason: "spawn-failed" },
    });
  });

  test("100 MB of output: head and tail are kept, the cut says so", async () => {
    const { ok, output } = await bash.execute(
      call("echo begin; yes | head -c 100000000; echo end"),
      context(),
    );
    expect({ ok, cut: output?.stdout_truncated }).toEqual({ ok: true, cut: true });
    const text = output?.stdout as string;
    expect(text.length).toBeLessThan(1_100_000);
    expect(text.startsWith("begin\ny\n")).toBe(true);
    expect(text.endsWith("y\nend")).toBe(true);
    expect(text).toMatch(/\[… 9\d{7} bytes cut …\]/);
  });

  test("half a character and a null byte do no harm", async () => {
    const { output } = await bash.execute(call("printf 'a\\0b\\xe2\\x82'"), context());
    expect(output?.stdout).toBe("a\0b\uFFFD");
  });

  test("a script that ignores SIGTERM, and its children, are gone after the grace period", async () => {
    await using folder = await TestFolder.make();
    const stop = new AbortController();
    const script = `trap '' TERM; sleep 1000 & echo $! > ${folder.path}/child; echo $$ > ${folder.path}/self; while :; do sleep 1; done`;
    const running = bash.execute(call(script), context(stop.signal));
    const pids = await until(() => {
      if (!existsSync(`${folder.path}/self`)) return undefined;
      const found = ["self", "child"].map((name) => Number(readFileSync(`${folder.path}/${name}`, "utf8")));
      return found.every((pid) => pid > 0) ? found : undefined;
    });
    stop.abort();
    expect(await running).toMatchObject({ ok: false });
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test("children left behind end with the script", async () => {
    const { ok, output } = await bash.execute(call("sleep 1000 & echo $!"), context());
    expect(ok).toBe(true);
    expect(isRunning(Number(output?.stdout))).toBe(false);
  });
});
