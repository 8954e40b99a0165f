/** What tasks print, from the worker's process to `dag logs`, and what becomes of it when things go wrong. */
import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectNats, type Connection } from "../../internal/nats/connection.ts";
import { TestFolder } from "../support/folder.ts";
import { gate } from "../support/gate.ts";
import { TestServer } from "../support/nats-server.ts";
import { peakMemory } from "../support/processes.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const MIB = 1_024 * 1_024;
const TIMES = ["--heartbeat", "300ms", "--lease-term", "1s"];

let server: TestServer;
let folder: TestFolder;
let admin: Connection;
let executor: Program;
let worker: Program;

beforeAll(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  admin = await connectNats({ servers: server.url, name: "admin" });
  executor = new Program("executor", ["--nats", server.url, ...TIMES, "--dead-after", "1500ms"]);
  worker = newWorker("w", "--workers", "8");
  await until(async () => (await on("workers")).stdout.includes("live"));
});
afterAll(async () => {
  for (const program of [executor, worker]) await program[Symbol.asyncDispose]();
  await admin.nc.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function newWorker(id: string, ...more: string[]): Program {
  const args = ["--nats", server.url, "--id", id, ...TIMES, "--ack-wait", "5s", ...more];
  return new Program("worker", args, { JETDAG_SECRET_PASSWORD: "hush-hush" });
}

/** A command on this cluster. */
function on(...args: string[]): Promise<Finished> {
  return dag(args, { NATS_URL: server.url });
}

type Task = Record<string, unknown> & { readonly id: string; readonly command: string };

async function submit(runId: string, tasks: readonly Task[]): Promise<void> {
  const file = await folder.write(`${runId}.json`, JSON.stringify({ name: runId, tasks }));
  expect(await on("run", file, "--detach", "--run-id", runId)).toMatchObject({ code: 0 });
}

async function run(runId: string, tasks: readonly Task[]): Promise<Finished> {
  await submit(runId, tasks);
  return on("wait", runId, "--json");
}

/** Waits until the log of a run, or what else is asked for, has this text. */
async function shows(args: readonly string[], text: string): Promise<string> {
  let last: Finished | undefined;
  return until(
    async () => {
      last = await on("logs", ...args);
      return last.stdout.includes(text) && last.stdout;
    },
    () => last,
  );
}

function lines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("of a task: as it was printed, whatever that is", async () => {
  const script = String.raw`printf 'plain\n\033[31mred\033[0m\r\na\0b\007\n\xff|\xf0\x9f'; sleep 0.05; printf '\x98\x80\n\xe2\x82'`;
  await run("bytes", [{ id: "a", command: script }]);
  const { stdout, code, stderr } = await on("logs", "bytes", "a");
  const text = "plain\n\u001B[31mred\u001B[0m\r\na\0b\u0007\n\uFFFD|\u{1F600}\n\uFFFD\n";
  expect({ stdout, code, stderr }).toEqual({ stdout: text, code: 0, stderr: "" });
});

test("of a run: in the order of time, with the names of the tasks; of all attempts, or of one", async () => {
  await run("several", [
    { id: "one", command: "echo out; sleep 0.05; echo bad >&2" },
    {
      id: "flaky",
      command: 'echo "try $JETDAG_ATTEMPT"; test "$JETDAG_ATTEMPT" -gt 1',
      depends_on: ["one"],
      retries: 1,
      retry: { initial: "100ms" },
    },
    { id: "silent", command: "true", depends_on: ["one"] },
  ]);
  expect((await on("logs", "several")).stdout).toBe(
    ["one    | out", "one    | bad", "flaky  | try 1", "flaky #2 | try 2", ""].join("\n"),
  );
  expect((await on("logs", "several", "flaky")).stdout).toBe("try 1\n--- attempt 2, on w ---\ntry 2\n");
  expect((await on("logs", "several", "flaky", "--attempt", "2")).stdout).toBe("try 2\n");
  expect((await on("logs", "several", "--attempt", "2")).stdout).toBe("flaky #2 | try 2\n");
  const timed = await on("logs", "several", "one", "--timestamps");
  expect(timed.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} out\n[\d-]+ [\d:.]+ bad\n$/);
  const json = lines((await on("logs", "several", "--json")).stdout);
  expect(json).toMatchObject([
    { run_id: "several", task: "one", index: 0, attempt: 1, worker: "w", stream: "stdout", text: "out" },
    { task: "one", stream: "stderr", text: "bad" },
    { task: "flaky", attempt: 1, text: "try 1" },
    { task: "flaky", attempt: 2, text: "try 2" },
  ]);
  expect(Object.keys(json[0] ?? {})).not.toContain("goes_on");
  expect(Date.parse(String(json[0]?.time))).toBeGreaterThan(Date.now() - 600_000);
  expect(await on("logs", "several", "silent")).toEqual({
    code: 0,
    stdout: "",
    stderr: "dag: task 'silent' of run 'several' has printed nothing\n",
  });
});

test("what a function logs is there beside what it prints", async () => {
  const functions = await folder.write(
    "functions.mjs",
    'export function talk(_params, { log }) { log("logged\\ntwice"); console.log("printed"); }\n',
  );
  await using _own = newWorker("f", "--queues", "f", "--functions", functions);
  await run("talk", [{ id: "a", type: "function", command: "talk", queue: "f" }]);
  const json = lines((await on("logs", "talk", "--json")).stdout);
  expect(json.map(({ text }) => String(text)).toSorted()).toEqual(["logged", "printed", "twice"]);
  expect(json.find(({ text }) => text === "logged")).toMatchObject({ stream: "log", worker: "f" });
});

test("a secret is masked", async () => {
  const env = { PASSWORD: "secret://PASSWORD" };
  await run("masked", [{ id: "a", command: 'echo "it is $PASSWORD"; echo "$PASSWORD" >&2', env }]);
  const { stdout } = await on("logs", "masked", "--json");
  expect(stdout).not.toContain("hush");
  expect(
    lines(stdout)
      .map(({ text }) => String(text))
      .toSorted(),
  ).toEqual(["***", "it is ***"]);
});

test.each([
  ["an unknown run", ["nobody"], "run 'nobody' is not known here"],
  ["an unknown task", ["asked", "aa"], "task 'aa' is not in run 'asked': did you mean 'a'?"],
  ["an attempt that was not", ["asked", "a", "--attempt", "2"], "has had attempts 1 to 1: there is no 2"],
  ["an attempt that is none", ["asked", "a", "--attempt", "0"], "--attempt: '0' is not allowed"],
])("%s: exit 2, and what to do", async (_name, args, message) => {
  if ((await on("status", "asked")).code !== 0) await run("asked", [{ id: "a", command: "true" }]);
  const { code, stdout, stderr } = await on("logs", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("without a cluster: exit 2", async () => {
  const { code, stderr } = await dag(["logs", "r"]);
  expect(code).toBe(2);
  expect(stderr).toContain("this needs a cluster");
});

describe("while it runs", () => {
  test("it is shown as it comes, and to the end of the task, or of the run", async () => {
    const [first, second] = [gate(folder, "live-first"), gate(folder, "live-second")];
    await submit("live", [
      { id: "first", command: `echo begins; printf 'half a'; ${first.command}; echo ' line'` },
      { id: "second", command: `${second.command}; echo ends`, depends_on: ["first"] },
    ]);
    await using ofTask = new Program("dag", ["logs", "live", "first", "-f"], { NATS_URL: server.url });
    await using ofRun = new Program("dag", ["logs", "live", "-f", "--json"], { NATS_URL: server.url });
    await ofTask.says("begins\nhalf a");
    await ofRun.says('"text":"half a","goes_on":true');
    await first.open();
    expect(await ofTask.finished).toMatchObject({ code: 0, stdout: "begins\nhalf a line\n", stderr: "" });
    await second.open();
    const { code, stdout } = await ofRun.finished;
    expect(code).toBe(0);
    expect(lines(stdout).map(({ text }) => text)).toEqual(["begins", "half a", " line", "ends"]);
    expect(await on("logs", "live", "-f")).toMatchObject({
      code: 0,
      stdout: "first  | begins\nfirst  | half a line\nsecond | ends\n",
    });
  });

  test("Ctrl-C leaves, and the run goes on", async () => {
    const door = gate(folder, "left");
    await submit("left", [{ id: "a", command: `echo begins; ${door.command}` }]);
    await using following = new Program("dag", ["logs", "left", "-f"], { NATS_URL: server.url });
    await following.says("begins");
    following.kill("SIGINT");
    expect(await following.finished).toMatchObject({ code: 130, stdout: "begins\n" });
    await door.open();
    expect(await on("wait", "left")).toMatchObject({ code: 0 });
  });

  test("who has read enough ends it", async () => {
    const door = gate(folder, "head");
    await submit("head", [
      { id: "a", command: `while [ ! -e ${folder.path}/head.open ]; do echo y; sleep 0.05; done` },
    ]);
    await shows(["head", "a"], "y\n");
    const main = new URL("../../dist/cmd/dag/main.js", import.meta.url).pathname;
    const command = `${process.execPath} ${main} logs head a -f --nats ${server.url} | head -n 2; echo "ended \${PIPESTATUS[0]}"`;
    const stdout = await new Promise<string>((resolve) => {
      execFile("bash", ["-c", command], (_error, text) => resolve(text));
    });
    expect(stdout).toBe("y\ny\nended 0\n");
    await door.open();
  });
});

test("a worker that is killed leaves what it has sent, and the next attempt's log follows", async () => {
  const door = gate(folder, "killed");
  const own = newWorker("victim", "--queues", "k");
  await submit("killed", [
    { id: "a", command: `echo "last words of $JETDAG_ATTEMPT"; ${door.command}`, queue: "k" },
  ]);
  await shows(["killed", "a"], "last words of 1");
  own.kill("SIGKILL");
  await own.finished;
  await door.open();
  await using _next = newWorker("next", "--queues", "k");
  await using following = new Program("dag", ["logs", "killed", "a", "-f"], { NATS_URL: server.url });
  expect((await following.finished).stdout).toBe(
    "last words of 1\n--- attempt 2, on next ---\nlast words of 2\n",
  );
});

test("100 MB at full speed: no task beside it loses anything, and the worker neither its life nor its memory", async () => {
  const loud = "yes 0123456789abcdef | head -c 102000000; echo last words";
  const beside = Array.from({ length: 20 }, (_, i) => ({ id: `t${i}`, command: `sleep 0.05; echo is ${i}` }));
  const { stdout } = await run("loud", [{ id: "loud", command: loud }, ...beside]);
  const { state, tasks } = JSON.parse(stdout) as {
    state: string;
    tasks: Record<string, { state: string; attempts: number; output: { stdout: string } }>;
  };
  expect(state).toBe("completed");
  for (const [i, { id }] of beside.entries()) {
    expect(tasks[id]).toMatchObject({ state: "completed", attempts: 1, output: { stdout: `is ${i}` } });
  }
  expect((await on("logs", "loud", "t19")).stdout).toBe("is 19\n");
  expect(tasks.loud?.attempts).toBe(1);
  expect(executor.stdout).not.toMatch(/"worker_id":"w",.*"worker declared dead"/);
  const peak = peakMemory(worker.pid);
  expect(peak / MIB).toBeLessThan(400);

  const text = await textOf("loud", "loud");
  expect(text.length / MIB).toBeGreaterThan(8);
  expect(text.length / MIB).toBeLessThan(10.5);
  expect(text.endsWith("0123456789abcdef\nlast words\n")).toBe(true);
  const gaps = [...text.matchAll(/\[… [\d.]+ MiB left out: more was printed than is kept of an attempt \(/g)];
  expect(gaps.length).toBeGreaterThan(0);
}, 120_000);

/** All of it, however much. */
async function textOf(runId: string, task: string): Promise<string> {
  const main = new URL("../../dist/cmd/dag/main.js", import.meta.url).pathname;
  const args = [main, "logs", runId, task, "--nats", server.url];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 64 * MIB }, (_error, stdout) => resolve(stdout));
  });
}

test("a stream of logs that is gone costs the run nothing", async () => {
  await admin.jsm.streams.delete("JETDAG_LOGS");
  const ended = await run("gone", [{ id: "a", command: "echo unheard" }]);
  expect(JSON.parse(ended.stdout)).toMatchObject({ state: "completed", tasks: { a: { attempts: 1 } } });
  // Whoever comes next creates it anew, and the worker still has it.
  await shows(["gone", "a"], "unheard");
});

test("a run that was retired has its logs", async () => {
  const own = ["--nats", server.url, "--namespace", "retired", "--lease-term", "1s"];
  await using _executor = new Program("executor", [...own, "--retire-after", "300ms", "--logs-age", "1h"]);
  await using _worker = new Program("worker", own);
  const file = await folder.write("short.yaml", "name: short\ntasks: [{ id: a, command: echo kept }]\n");
  expect(await on("run", file, "--run-id", "short", "--namespace", "retired")).toMatchObject({ code: 0 });
  await _executor.says("runs retired");
  expect(await on("logs", "short", "--namespace", "retired")).toMatchObject({ code: 0, stdout: "kept\n" });
  const { config } = await admin.jsm.streams.info("RETIRED_LOGS");
  expect(config.max_age / 1_000_000).toBe(60 * 60_000);
});

test("logs that are gone are told of", async () => {
  await run("old", [{ id: "a", command: "echo long ago" }]);
  await shows(["old"], "long ago");
  await admin.jsm.streams.purge("JETDAG_LOGS");
  const { code, stdout, stderr } = await on("logs", "old");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toMatch(
    /^dag: nothing is kept of what run 'old' printed, if it did: what is kept goes back to .* \(--logs-age, --logs-bytes of the executor\)\n$/,
  );
});
