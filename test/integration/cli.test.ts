import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { serverBinary, TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const file = (name: string, text: string): Promise<string> => folder.write(name, text);

describe("dag run in this process", () => {
  test("the weekly operations chain: plan and run", async () => {
    const chain = `${ROOT}examples/weekly-ops/weekly-ops.yaml`;
    expect((await dag(["run", chain, "--dry-run"])).stdout).toBe(`DRY RUN: DAG 'weekly_ops_chain'
Tenant: local-dev
Tasks: 3

Execution Plan:
  1. sweep (workflow: inbox_drive_sweep, depends_on: none)
  2. report (workflow: weekly_report_pack, depends_on: sweep)
  3. brief (workflow: meeting_transcript_brief, depends_on: report)
`);
    const { code, stdout } = await dag([
      "run",
      chain,
      "--functions",
      `${ROOT}examples/weekly-ops/functions.js`,
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain("DAG EXECUTION COMPLETE\nDAG: weekly_ops_chain\n");
    expect(stdout).toContain("Tasks Succeeded: 3\nTasks Failed: 0\nDuration: ");
    expect(stdout).toContain("Sprint Review. 2025-10-01 to 2025-10-07: Prioritized 2 items");
  });

  test("--json: stdout carries JSON alone; params from file and flags, by the kind of their default", async () => {
    const definition = await file(
      "params.yaml",
      "name: p\nparams: { n: 1, s: default, f: x }\ntasks: [{ id: a, type: function, command: echo }]\n",
    );
    const params = await file("params.json", '{"f": "from file", "s": "from file"}');
    const { code, stdout } = await dag([
      "run",
      definition,
      "--json",
      "--params",
      params,
      "--param",
      "n=5",
      "--param",
      "s=flag",
    ]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { tasks: { a: unknown } };
    expect(result).toMatchObject({ dag: "p", state: "completed" });
    expect(Object.keys(result)).toEqual(["run_id", "dag", "state", "duration_ms", "tasks"]);
    expect(result.tasks.a).toMatchObject({
      state: "completed",
      attempts: 1,
      output: { n: 5, s: "flag", f: "from file" },
      error: null,
    });
  });

  test("a failure: exit 1, the last lines of its output, what failed downstream", async () => {
    const definition = await file(
      "fails.yaml",
      "name: f\ntasks:\n  - { id: a, command: 'seq 1 30; exit 4' }\n  - { id: b, command: 'true', depends_on: [a] }\n",
    );
    const { code, stdout } = await dag(["run", definition]);
    expect(code).toBe(1);
    expect(stdout).toContain("Task 'a' failed after 1 attempt: exit code 4");
    expect(stdout).toContain("│ 11\n");
    expect(stdout).not.toContain("│ 10\n");
    expect(stdout).toContain("Tasks Upstream Failed: 1");
  });

  test("the help of every command has examples, and every command tells the version", async () => {
    const { stdout } = await dag(["--help"]);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) \[?/gm)].map((match) => match[1] ?? "");
    const own = commands.filter((name) => name !== "help" && name !== "dag");
    expect(own.length).toBeGreaterThan(15);
    for (const name of own) {
      expect((await dag([name, "--help"])).stdout, name).toContain("\nExamples:\n  ");
    }
    expect(await dag(["runs", "--version"])).toMatchObject({
      code: 0,
      stdout: (await dag(["--version"])).stdout,
    });
  });

  test("no colours in a pipe, whatever the surroundings say", async () => {
    const definition = await file("plain.yaml", "name: p\ntasks: [{ id: a, command: exit 1 }]\n");
    const { stdout, stderr } = await dag(["run", definition], { CI: "true", FORCE_COLOR: "1" });
    expect(stdout).toContain("a failed after");
    expect(`${stdout}${stderr}`).not.toContain("\u001B");
  });

  test.each([
    ["an unregistered function", "{ id: a, type: function, command: nobody }", "unknown-function"],
    ["a command that does not exist", "{ id: a, command: no-such-command-here }", "exit-nonzero"],
    ["an address that refuses", "{ id: a, type: http, command: GET http://127.0.0.1:1/ }", "network"],
  ])("%s fails the task: exit 1", async (_name, task, reason) => {
    const definition = await file("task.yaml", `name: t\ntasks: [${task}]\n`);
    const { code, stdout } = await dag(["run", definition, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ state: "failed", tasks: { a: { error: { reason } } } });
  });

  test("a back-off is waited for, also when nothing else is pending", async () => {
    const definition = await file(
      "again.yaml",
      "name: a\ntasks: [{ id: a, command: test $JETDAG_ATTEMPT -gt 1, retries: 1, retry: { initial: 300ms } }]\n",
    );
    const { code, stdout } = await dag(["run", definition, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: "completed", tasks: { a: { attempts: 2 } } });
  });

  test("Ctrl-C cancels the run: exit 130", async () => {
    const definition = await file("long.yaml", "name: l\ntasks: [{ id: a, command: sleep 100 }]\n");
    await using program = new Program("dag", ["run", definition]);
    await program.says("a started");
    program.kill("SIGINT");
    const { code, stdout } = await program.finished;
    expect(code).toBe(130);
    expect(stdout).toContain("DAG EXECUTION CANCELLED");
  });

  // What is built in walks through every hole, and nothing interrupts it.
  const HOLES = "const list = []; list.length = 2 ** 32 - 1;";

  test("a thread that cannot be ended does not keep the process", async () => {
    const functions = await file("stuck.mjs", `export const stuck = () => { ${HOLES} list.map(String); };`);
    const definition = await file(
      "stuck.yaml",
      "name: s\ntasks: [{ id: a, type: function, command: stuck, timeout: 500ms }]\n",
    );
    const { code, stdout, stderr } = await dag(
      ["run", definition, "--json"].concat("--functions", functions, "--grace", "100ms"),
    );
    expect(JSON.parse(stdout)).toMatchObject({ tasks: { a: { error: { reason: "timed-out" } } } });
    expect(stderr).toContain("a thread cannot be ended");
    // Ended by a signal.
    expect(code).toBe(null);
  });

  test("a reader that leaves early is no error", async () => {
    const definition = await file("many.yaml", "name: m\ntasks: [{ id: a, command: 'seq 1 100' }]\n");
    const piped = spawn("bash", [
      "-c",
      `node ${ROOT}dist/cmd/dag/main.js run ${definition} | head -1; exit \${PIPESTATUS[0]}`,
    ]);
    let stderr = "";
    piped.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => piped.once("close", resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("bad input: exit 2, a clear message, nothing left running", () => {
  const good = "name: x\ntasks: [{ id: a, command: 'true' }]\n";
  test.each([
    ["a file that is missing", ["run", "/nowhere/x.yaml"], "/nowhere/x.yaml: no such file"],
    ["an unknown flag", ["run", "x.yaml", "--jsn"], "Did you mean --json?"],
    ["an unknown command", ["rnu", "x.yaml"], "unknown command 'rnu'"],
    [
      "a bad setting",
      ["run", "x.yaml", "--workers", "none"],
      "--workers: 'none' is not allowed: a whole number from 1 up",
    ],
    ["flags that exclude each other", ["run", "x.yaml", "--local", "--sequential"], "exclude each other"],
    ["status without a cluster", ["status", "x"], "give its address by --nats"],
  ])("%s", async (_name, args, message) => {
    const { code, stdout, stderr } = await dag(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("dag validate tells every problem of every file", async () => {
    const fine = await file("fine.yaml", good);
    const bad = await file(
      "bad.yaml",
      "name: x\ntasks:\n  - { id: a, command: x, retries: -1 }\n  - { id: b, depends_on: [c] }\n",
    );
    const { code, stdout, stderr } = await dag(["validate", fine, bad]);
    expect(code).toBe(2);
    expect(stdout).toBe(`${fine}: DAG 'x' is valid (1 task)\n`);
    expect(stderr.trim().split("\n")).toEqual([
      `${bad}:3:35: retries: must be a whole number from 0 to 1000, not -1`,
      `${bad}:4:5: command: is missing; a task of type bash needs a command: a script`,
      `${bad}:4:27: unknown dependency 'c': no task has this id`,
    ]);
  });

  test("flags that mean nothing where the run goes are named", async () => {
    const definition = await file("good.yaml", good);
    const here = await dag(["run", definition, "--creds", "/nowhere", "--loss-cap", "3"]);
    expect(here).toMatchObject({
      code: 0,
      stderr:
        "dag: --creds is for runs on a cluster and ignored here\n" +
        "dag: --loss-cap is for runs on a cluster and ignored here\n",
    });
    const flags = ["--workers", "3", "--grace", "1s", "--shutdown-timeout", "1s", "--output-limit", "5000"];
    const there = await dag(["run", definition, ...flags, "--nats", "nats://127.0.0.1:1"]);
    const ignored = there.stderr
      .split("\n")
      .flatMap((line) => /^dag: --(\S+) is for runs in this process/.exec(line)?.[1] ?? []);
    expect(ignored).toEqual(["workers", "grace", "shutdown-timeout", "output-limit"]);
  });

  test("an address where nobody listens, or nobody answers", async () => {
    const definition = await file("good.yaml", good);
    const nobody = await dag(["run", definition, "--nats", "nats://127.0.0.1:1"]);
    expect({ code: nobody.code, stderr: nobody.stderr }).toMatchObject({ code: 2 });
    expect(nobody.stderr).toContain("no NATS server answers at nats://127.0.0.1:1");
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as { port: number };
    const silent = await dag(["run", definition], { NATS_URL: `nats://127.0.0.1:${port}` });
    expect(silent.code).toBe(2);
    expect(silent.stderr).toContain(`no NATS server answers at nats://127.0.0.1:${port}`);
    mute.close();
  });

  test("a server without JetStream, and wrong credentials", async () => {
    const definition = await file("good.yaml", good);
    const start = async (config: string): Promise<{ url: string; stop(): void }> => {
      const conf = await file("nats.conf", config);
      const ports = await TestFolder.make();
      const child = spawn(await serverBinary(), ["-c", conf, "--ports_file_dir", ports.path], {
        stdio: "ignore",
      });
      const { readdir, readFile } = await import("node:fs/promises");
      const url = await until(async () => {
        const [name] = await readdir(ports.path);
        if (name === undefined) return undefined;
        const text = await readFile(`${ports.path}/${name}`, "utf8");
        return text === "" ? undefined : (JSON.parse(text) as { nats: string[] }).nats[0];
      });
      return { url, stop: () => void child.kill("SIGKILL") };
    };
    const plain = await start('listen: "127.0.0.1:-1"\n');
    const without = await dag(["run", definition, "--nats", plain.url]);
    plain.stop();
    expect({ code: without.code, stderr: without.stderr }).toMatchObject({ code: 2 });
    expect(without.stderr).toContain("has no JetStream");
    const locked = await start('listen: "127.0.0.1:-1"\nauthorization { user: a, password: b }\n');
    const wrong = await dag(["run", definition, "--nats", locked.url.replace("nats://", "nats://a:wrong@")]);
    locked.stop();
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("refuses these credentials");
    expect(wrong.stderr).not.toContain("wrong@");
  });

  test("a server that is too old", async () => {
    const info = {
      server_id: "old",
      version: "2.8.4",
      proto: 1,
      headers: true,
      max_payload: 1_048_576,
      jetstream: true,
    };
    const old = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("PING")) socket.write("PONG\r\n");
      });
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    });
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    const { port } = old.address() as { port: number };
    const { code, stderr } = await dag([
      "run",
      await file("good.yaml", good),
      "--nats",
      `nats://127.0.0.1:${port}`,
    ]);
    old.close();
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toContain("is version 2.8.4");
  });

  test("a worker with a module that cannot be loaded", async () => {
    const functions = await file("broken.mjs", "export function x( {");
    await using worker = new Program("worker", ["--functions", functions]);
    const { code, stderr } = await worker.finished;
    expect(code).toBe(2);
    expect(stderr).toContain("it cannot be loaded");
  });
});

test("a worker waits for the server to come", async () => {
  await using server = await TestServer.start();
  await server.kill();
  await using worker = new Program("worker", ["--nats", server.url]);
  await worker.says("waiting for the NATS server");
  await server.restart();
  await worker.says("worker started");
  worker.kill("SIGTERM");
  expect((await worker.finished).code).toBe(0);
});
