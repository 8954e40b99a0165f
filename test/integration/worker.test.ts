/** A worker as a process, when things go wrong. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let serial = 0;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Task {
  readonly state: string;
  readonly attempts: number;
  readonly output: Record<string, unknown> | null;
  readonly error: { readonly reason: string; readonly message: string } | null;
}
const tasksOf = (text: string): Record<string, Task> =>
  (JSON.parse(text) as { tasks: Record<string, Task> }).tasks;

/** Programs of one cluster, in a namespace of its own. */
function cluster(url = server.url): {
  executor(...more: string[]): Program;
  worker(...more: string[]): Program;
  /** Its tasks have their files below `folder`. */
  workerIn(folder: string): Program;
  run(file: string, ...more: string[]): Program;
} {
  const args = ["--nats", url, "--namespace", `worker-${++serial}`];
  const times = ["--heartbeat", "300ms", "--lease-term", "1s", "--log-level", "debug"];
  return {
    executor: (...more) => new Program("executor", [...args, ...times, "--dead-after", "1500ms", ...more]),
    worker: (...more) => new Program("worker", [...args, ...times, "--ack-wait", "5s", ...more]),
    workerIn: (folder) => new Program("worker", [...args, ...times], { TMPDIR: folder }),
    run: (file, ...more) =>
      new Program("dag", ["run", file, ...args, "--json", "--lease-term", "1s", ...more]),
  };
}

describe("a worker whose server is gone ends by signal and says what it could not store", () => {
  test.each([
    ["after the shutdown time", "300ms", 1],
    ["at the second signal", "10m", 2],
  ])("%s", async (_name, shutdownTimeout, signals) => {
    await using own = await TestServer.start();
    await using folder = await TestFolder.make();
    const { worker, run } = cluster(own.url);
    await using _worker = worker("--shutdown-timeout", shutdownTimeout);
    await _worker.says("worker started");
    const door = `${folder.path}/open`;
    const command = `touch ${folder.path}/begun; while [ ! -e ${door} ]; do sleep 0.05; done`;
    const file = await folder.write(
      "dag.json",
      JSON.stringify({ name: "cut", tasks: [{ id: "a", command }] }),
    );
    await using _running = run(file, "--run-id", "cut-1");
    await until(() => existsSync(`${folder.path}/begun`));
    await own.kill();
    await _worker.says("trouble met");
    await folder.write("open", "");
    for (let sent = 1; sent <= signals; sent++) {
      _worker.kill("SIGTERM");
      await until(() => _worker.stdout.split('"signal":"SIGTERM"').length === sent + 1);
    }
    const ended = await until(
      () => Promise.race([_worker.finished, Promise.resolve(undefined)]),
      () => _worker.stdout.slice(-2_000),
    );
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain("outcomes not stored");
    expect(ended.stdout).toContain('"attempts":["cut-1.a.0.1"]');
  });
});

describe("a task that takes what has started it with it before it has said a word", () => {
  test.each([
    ["ends it", "kill -KILL $PPID"],
    ["stops it", "kill -STOP $PPID"],
  ])("is lost with it: %s", async (_name, command) => {
    const { executor, worker, run } = cluster();
    await using folder = await TestFolder.make();
    await using _executor = executor();
    await using _worker = worker();
    await Promise.all([_worker.says("worker started"), _executor.says("lease taken")]);
    const tasks = [{ id: "a", command }];
    const file = await folder.write("dag.json", JSON.stringify({ name: "bad", tasks }));
    await using running = run(file, "--loss-cap", "0");
    await until(
      () => running.stdout !== "",
      () => ({ executor: _executor.stdout.slice(-2_000), worker: _worker.stdout.slice(-2_000) }),
    );
    expect(tasksOf((await running.finished).stdout)).toMatchObject({
      a: { state: "crashed", attempts: 1, error: { reason: "lost" } },
    });
  });
});

test("a task that kills what has started others too costs them nothing of their budgets", async () => {
  const { executor, worker, run } = cluster();
  await using folder = await TestFolder.make();
  await using _executor = executor();
  await using _worker = worker();
  await Promise.all([_worker.says("worker started"), _executor.says("lease taken")]);
  const begun = `cat ${folder.path}/begun-* | wc -l`;
  const beside = `echo >>${folder.path}/begun-$JETDAG_TASK_ID; until [ $(${begun}) = 3 ]; do sleep 0.05; done`;
  const tasks = [
    { id: "one", command: beside },
    { id: "two", command: beside },
    { id: "both", command: `until [ $(${begun}) = 2 ]; do sleep 0.05; done` },
    { id: "bad", command: "kill -9 $PPID; sleep 1000", depends_on: ["both"] },
  ];
  const file = await folder.write("dag.json", JSON.stringify({ name: "bystander", tasks }));
  await using running = run(file, "--loss-cap", "0");
  const ends = tasksOf((await running.finished).stdout);
  expect(ends).toMatchObject({
    one: { state: "completed" },
    two: { state: "completed" },
    bad: { state: "crashed", attempts: 2, error: { reason: "lost" } },
  });
  // Whichever had the same spawner.
  expect([ends.one?.attempts, ends.two?.attempts]).toEqual(expect.arrayContaining([1, 2]));
});

describe("outcomes that are hard to store", () => {
  test("large errors, outputs of control characters and deep ones end their tasks, once, and the worker lives", async () => {
    const { executor, worker, run } = cluster();
    await using folder = await TestFolder.make();
    const functions = await folder.write(
      "functions.mjs",
      `import { readdirSync, writeFileSync } from "node:fs";
       import { setTimeout as pause } from "node:timers/promises";
       export function shout() { throw new Error("x".repeat(2_000_000)); }
       export async function control(_params, { identity }) {
         writeFileSync("${folder.path}/waits-" + identity.task, "");
         while (readdirSync("${folder.path}").filter((name) => name.startsWith("waits-")).length < 4) await pause(5);
         return { text: "\\u0001".repeat(60_000) };
       }
       export const deep = () => JSON.parse("[".repeat(4_600) + "]".repeat(4_600));`,
    );
    await using _executor = executor();
    await using _worker = worker("--functions", functions, "--workers", "8");
    await Promise.all([_worker.says("worker started"), _executor.says("lease taken")]);
    const controls = Array.from({ length: 4 }, (_, i) => ({
      id: `control-${i}`,
      type: "function",
      command: "control",
    }));
    const brackets = `printf '[%.0s' {1..4600}; printf ']%.0s' {1..4600}`;
    const tasks = [
      { id: "shout", type: "function", command: "shout" },
      { id: "deep", type: "function", command: "deep" },
      { id: "file", command: `{ printf '{"a":'; ${brackets}; printf '}'; } > $JETDAG_OUTPUT_FILE` },
      ...controls,
    ];
    const file = await folder.write("dag.json", JSON.stringify({ name: "hard", tasks }));
    const { stdout, stderr } = await run(file).finished;
    const ended = tasksOf(stdout || `{"tasks": {"stderr": ${JSON.stringify(stderr)}}}`);
    expect(ended).toMatchObject({
      shout: { state: "failed", attempts: 1, error: { reason: "function-error" } },
      deep: { state: "failed", attempts: 1, error: { reason: "output-not-serialisable" } },
      file: { state: "failed", attempts: 1, error: { reason: "output-not-serialisable" } },
    });
    for (const { id } of controls) {
      expect(ended[id]).toMatchObject({ state: "completed", attempts: 1 });
      expect(ended[id]?.output).toEqual({ text: "\u0001".repeat(60_000) });
    }
    expect(_worker.stdout).not.toContain("trouble met");
    _worker.kill("SIGTERM");
    expect((await _worker.finished).code).toBe(0);
  });
});

test("a worker removes the files that killed ones have left, and never those of a live one", async () => {
  const { executor, workerIn, run } = cluster();
  await using folder = await TestFolder.make();
  const left = async (): Promise<string[]> =>
    (await readdir(folder.path)).filter((name) => name.startsWith("jetdag-"));
  await using _executor = executor();
  await using first = workerIn(folder.path);
  await Promise.all([first.says("worker started"), _executor.says("lease taken")]);
  const command = `while [ ! -e ${folder.path}/open ]; do sleep 0.05; done`;
  const dag = JSON.stringify({ name: "left", params: { secret: "s" }, tasks: [{ id: "a", command }] });
  await using _running = run(await folder.write("dag.json", dag));
  const [own = ""] = await until(async () => (await left()).length > 0 && left());
  const attempts = await until(async () => {
    const found = await readdir(`${folder.path}/${own}`);
    return found.includes("1") && found.includes("1.params.json") && found;
  });
  {
    await using second = workerIn(folder.path);
    await second.says("worker started");
    expect(await readdir(`${folder.path}/${own}`)).toEqual(attempts);
    second.kill("SIGTERM");
    expect((await second.finished).code).toBe(0);
  }
  first.kill("SIGKILL");
  await first.finished;
  expect(await left()).toEqual([own]);
  await using third = workerIn(folder.path);
  await third.says("worker started");
  expect(await left()).not.toContain(own);
  await folder.write("open", "");
  third.kill("SIGTERM");
  await third.finished;
  expect(await left()).toEqual([]);
});
