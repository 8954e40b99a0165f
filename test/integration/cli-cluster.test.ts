/** The commands that look after runs and definitions on a cluster, with the real programs. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProgramCluster } from "../support/program-cluster.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const FLAKY = `name: flaky
params: { day: monday }
tasks:
  - { id: a, command: 'echo "day=$JETDAG_PARAM_day" > "$JETDAG_OUTPUT_FILE"' }
  - { id: b, command: 'test "$JETDAG_ATTEMPT" -gt 1', depends_on: [a] }
  - { id: c, type: function, command: echo, depends_on: [b] }
`;

let cluster: ProgramCluster;
beforeAll(async () => {
  cluster = await ProgramCluster.start("--id", "w");
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** A command on this cluster. */
function on(...args: string[]): Promise<Finished> {
  return cluster.dag(...args);
}

function lines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

describe("deployed definitions", () => {
  test("versions: deployed, unchanged, listed, shown, compared, run by name", async () => {
    const text =
      "# kept as it is\nname: report\ntags: [daily, finance]\ntasks: [{ id: a, command: echo one }]\n";
    const file = await cluster.folder.write("report.yaml", text);
    expect((await on("deploy", file)).stdout).toBe("DAG 'report' deployed as version 1\n");
    expect((await on("deploy", file)).stdout).toBe("DAG 'report' unchanged; it is version 1\n");
    await cluster.folder.write("report.yaml", text.replace("one", "two"));
    const compared = await on("diff", "report", file);
    expect(compared.code).toBe(1);
    expect(compared.stdout).toContain("-tasks: [{ id: a, command: echo one }]");
    expect(compared.stdout).toContain("+tasks: [{ id: a, command: echo two }]");
    expect(lines((await on("deploy", file, "--json")).stdout)).toMatchObject([
      { name: "report", version: 2, new: true, tasks: 1 },
    ]);
    expect(await on("diff", "report", file)).toMatchObject({ code: 0 });
    expect((await on("show", "report", "--version", "1")).stdout).toBe(text);
    expect((await on("list")).stdout).toMatch(/^report +2 +1 .* daily,finance/m);
    expect((await on("list", "--tag", "finance")).stdout).toContain("report");
    expect((await on("list", "--tag", "other")).stdout).toContain("no DAG with tag 'other' is deployed");

    const output = async (...more: string[]): Promise<unknown> => {
      const { stdout } = await on("run", "report", "--json", ...more);
      return (JSON.parse(stdout) as { tasks: { a: { output: { stdout: string } } } }).tasks.a.output.stdout;
    };
    expect(await output()).toBe("two");
    expect(await output("--version", "1")).toBe("one");
  });

  test.each([
    [
      "a version that is not there",
      ["show", "only", "--version", "7"],
      "has no version 7: its versions are 1 to 1",
    ],
    ["a version that is none", ["show", "only", "--version", "x"], "'x' is no version"],
    ["an unknown name", ["show", "nobody"], "no DAG 'nobody' is deployed here"],
    ["an unknown name to run", ["run", "nobody"], "no DAG 'nobody' is deployed here"],
    ["a version of a file", ["run", "FILE", "--version", "1"], "a file has no versions"],
    ["two files with one name", ["deploy", "FILE", "FILE"], "is named twice"],
    ["a name that is nearly right", ["show", "onl"], "but 'only' is"],
    ["a param that is not declared", ["run", "only", "--param", "dayy=1"], "did you mean 'day'?"],
  ])("%s: exit 2", async (_name, args, message) => {
    const file = await cluster.folder.write(
      "only.yaml",
      "name: only\nparams: { day: 1 }\ntasks: [{ id: a, command: 'true' }]\n",
    );
    await on("deploy", file);
    const { code, stderr, stdout } = await on(...args.map((arg) => (arg === "FILE" ? file : arg)));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("a name without a cluster: exit 2, and what to do", async () => {
    const { code, stderr } = await dag(["run", "etl"]);
    expect(code).toBe(2);
    expect(stderr).toContain("there is no file 'etl'; a deployed DAG needs a cluster");
  });
});

describe("runs", () => {
  test("detached, waited for, listed, retried, followed", async () => {
    const file = await cluster.folder.write("flaky.yaml", FLAKY);
    const { stdout: id, code } = await on("run", file, "--detach", "--run-id", "mine");
    expect({ id, code }).toEqual({ id: "mine\n", code: 0 });
    const waited = await on("wait", "mine", "--json");
    expect(waited.code).toBe(1);
    expect(JSON.parse(waited.stdout)).toMatchObject({ run_id: "mine", state: "failed" });
    expect(lines((await on("runs", "--dag", "flaky", "--state", "failed", "--json")).stdout)).toMatchObject([
      { run_id: "mine", dag: "flaky", tenant: "local-dev", state: "failed" },
    ]);
    const blocked = await on("retry", "mine", "--task", "c");
    expect(blocked).toMatchObject({ code: 2 });
    expect(blocked.stderr).toContain("task 'c' waits for 'b', which is failed: retry 'b'");
    const retried = await on("retry", "mine", "--task", "b");
    expect(retried.code).toBe(0);
    expect(retried.stdout).toContain("DAG EXECUTION COMPLETE");
    expect(retried.stdout).toMatch(/b started on w \(attempt 2\)/);
    expect(retried.stdout).toMatch(/^a +completed +1 /m);
    expect(retried.stdout).toMatch(/^b +completed +2 /m);
    expect((await on("runs", "--state", "failed")).stdout).toBe("no such run\n");
    expect((await on("runs")).stdout).toMatch(/^mine +flaky +completed /m);
    expect(await on("wait", "mine")).toMatchObject({ code: 0 });
    const followed = await on("status", "mine", "--follow");
    expect(followed.stdout).toContain("DAG EXECUTION COMPLETE\nDAG: flaky\nRun: mine\n");
  });

  test("a run that goes on: followed to its end, with what happened before", async () => {
    const door = `${cluster.folder.path}/door`;
    const file = await cluster.folder.write(
      "gate.yaml",
      `name: gate\ntasks:\n  - { id: first, command: 'true' }\n  - { id: gate, command: 'while [ -d ${cluster.folder.path} ] && [ ! -e ${door} ]; do sleep 0.05; done', depends_on: [first] }\n`,
    );
    const runId = (await on("run", file, "--detach")).stdout.trim();
    await until(async () => (await on("status", runId)).stdout.includes("running"));
    const refused = await on("retry", runId);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("still goes on");
    expect((await on("queues")).stdout).toMatch(/^default +0 +1 +1/m);
    await using follower = new Program("dag", ["status", runId, "--follow"], { NATS_URL: cluster.url });
    await follower.says("gate started on w");
    expect(follower.stdout).toContain("first completed in");
    await cluster.folder.write("door", "");
    const { code, stdout } = await follower.finished;
    expect(code).toBe(0);
    expect(stdout).toContain("DAG EXECUTION COMPLETE");
  });

  test("Ctrl-C on a command that only looks leaves the run alone", async () => {
    const file = await cluster.folder.write(
      "long.yaml",
      "name: long\ntasks: [{ id: a, command: sleep 100 }]\n",
    );
    const runId = (await on("run", file, "--detach")).stdout.trim();
    await using waiting = new Program("dag", ["wait", runId], { NATS_URL: cluster.url });
    await waiting.says("a started on w");
    waiting.kill("SIGINT");
    expect(await waiting.finished).toMatchObject({ code: 130 });
    expect((await on("status", runId)).stdout).toContain("running");
    expect(await on("cancel", runId)).toMatchObject({ code: 0 });
    expect(await on("wait", runId)).toMatchObject({ code: 1 });
  });

  test.each([
    ["an id that is used", ["run", "FILE", "--detach", "--run-id", "used"], "run id 'used' was used before"],
    ["an id that is none", ["status", "*"], "run '*' is not known here"],
    ["an unknown run to wait for", ["wait", "nobody"], "run 'nobody' is not known here"],
    ["an unknown run to retry", ["retry", "nobody"], "run 'nobody' is not known"],
    ["a run that completed", ["retry", "used"], "run 'used' completed: run the DAG again instead"],
    ["an unknown state", ["runs", "--state", "broken"], "use one of running, completed, failed"],
    ["a time that is none", ["runs", "--since", "yesterday"], "use a length of time such as 90m"],
    ["a limit that is none", ["runs", "--limit", "0"], "use a whole number from 1 to"],
  ])("%s: exit 2", async (_name, args, message) => {
    const file = await cluster.folder.write("used.yaml", "name: used\ntasks: [{ id: a, command: 'true' }]\n");
    await on("run", file, "--run-id", "used");
    const { code, stderr } = await on(...args.map((arg) => (arg === "FILE" ? file : arg)));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test("--detach without a cluster: exit 2", async () => {
    const file = await cluster.folder.write("flaky.yaml", FLAKY);
    const { code, stderr } = await dag(["run", file, "--detach"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--detach needs a cluster");
  });

  test("a queue that nobody serves is told as waiting for a worker", async () => {
    const file = await cluster.folder.write(
      "gpu.yaml",
      "name: gpu\ntasks: [{ id: a, command: 'true', queue: gpu }]\n",
    );
    const runId = (await on("run", file, "--detach")).stdout.trim();
    await until(async () =>
      (await on("status", runId)).stdout.includes("queue 'gpu' is waiting for a worker"),
    );
    await until(async () => /^gpu +1 +0 +0 +waiting for a worker$/m.test((await on("queues")).stdout));
    expect(lines((await on("queues", "--json")).stdout)).toContainEqual({
      queue: "gpu",
      waits: null,
      waiting: 1,
      in_flight: 0,
      workers: 0,
      waiting_for_worker: true,
    });
    await on("cancel", runId);
  });
});

describe("shell completion", () => {
  test.each(["bash", "zsh", "fish", "powershell"])("a script for %s", async (shell) => {
    const { code, stdout } = await dag(["completion", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain("dag");
  });

  test("in bash, without any package of its own: commands, flags, and files", async () => {
    await cluster.folder.write("etl.yaml", "");
    const { stdout: script } = await dag(["completion", "bash"]);
    const main = new URL("../../dist/cmd/dag/main.js", import.meta.url).pathname;
    const complete = async (...words: string[]): Promise<string> => {
      const program = [
        `dag() { "${process.execPath}" "${main}" "$@"; }`,
        script,
        script,
        `COMP_WORDS=(dag ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _dag_complete; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ].join("\n");
      const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-c", program]);
      expect(stderr).toBe("");
      return stdout;
    };
    expect(await complete("st")).toBe("status\n");
    expect(await complete("run", "--det")).toBe("--detach\n");
    // Nothing of ours: bash goes on with its default, files.
    expect((await complete("run", "etl")).trim()).toBe("");
    expect(script).toContain("complete -o default");
  });

  test("commands and flags are offered", async () => {
    expect((await dag(["complete", "--", "re"])).stdout).toContain("retry");
    expect((await dag(["complete", "--", "run", "--det"])).stdout).toContain("--detach");
  });
});
