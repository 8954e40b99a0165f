/** `dag up`: a cluster on this machine, until Ctrl-C, with real processes. */
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { gate } from "../support/gate.ts";
import { serverBinary } from "../support/nats-server.ts";
import { commandOf, descendantsOf, isRunning, parentOf } from "../support/processes.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const TIMES = ["--heartbeat", "300ms", "--dead-after", "1500ms", "--lease-term", "1s"];

/** On a port of its own, unless one is named; the data is in `data` of the folder. */
async function startUp(folder: TestFolder, ...more: string[]): Promise<Program> {
  const port = more.includes("--port") ? [] : ["--port", "0"];
  const data = ["--data", join(folder.path, "data")];
  return new Program("dag", [
    "up",
    "--nats-server",
    await serverBinary(),
    ...data,
    ...TIMES,
    ...port,
    ...more,
  ]);
}

/** The address that it tells to export. */
async function addressOf(up: Program): Promise<string> {
  await up.says("Ctrl-C");
  return /export NATS_URL=(\S+)/.exec(up.stdout)?.[1] ?? "";
}

async function refused(folder: TestFolder, ...more: string[]): Promise<Finished> {
  await using up = await startUp(folder, ...more);
  return await up.finished;
}

interface RunJson {
  readonly state: string;
  readonly tasks: Record<string, { state: string; attempts: number }>;
}

async function statusOf(run: string, nats: string): Promise<RunJson> {
  const { code, stdout, stderr } = await dag(["status", run, "--nats", nats, "--json"]);
  return code === 0 ? (JSON.parse(stdout) as RunJson) : { state: stderr, tasks: {} };
}

async function workersOf(nats: string): Promise<{ worker_id: string; pid: number }[]> {
  const { stdout } = await dag(["workers", "--nats", nats, "--json"]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as { worker_id: string; pid: number });
}

async function allGone(pids: readonly number[]): Promise<void> {
  await until(
    () => pids.every((pid) => !isRunning(pid)),
    () => pids.filter((pid) => isRunning(pid)),
  );
}

function dagFile(folder: TestFolder, command: string): Promise<string> {
  return folder.write("dag.json", JSON.stringify({ name: "x", tasks: [{ id: "a", command }] }));
}

test("runs a DAG, has its data to itself, and leaves nothing running", async () => {
  await using folder = await TestFolder.make();
  await using up = await startUp(folder, "--worker-processes", "3", "--workers", "2");
  const nats = await addressOf(up);
  expect(up.stdout).toContain("an executor and 3 workers are up; each worker runs 2 tasks at a time");
  const { code, stdout } = await dag(["run", await dagFile(folder, "echo hello"), "--nats", nats]);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  expect((await workersOf(nats)).map((worker) => worker.worker_id).toSorted()).toEqual([
    "worker-1",
    "worker-2",
    "worker-3",
  ]);
  // The keepers and the programs: server, executor, workers; and the spawner of the worker that ran the task.
  const started = descendantsOf(up.pid);
  expect(started).toHaveLength(11);
  expect(await readFile(join(folder.path, "data", ".gitignore"), "utf8")).toBe("*\n");

  const second = await refused(folder);
  expect({ code: second.code, stdout: second.stdout }).toEqual({ code: 2, stdout: "" });
  expect(second.stderr).toContain(`is in use by another dag up (pid ${up.pid}): stop that one, or`);

  up.kill("SIGINT");
  const end = await up.finished;
  expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 130, stderr: "" });
  expect(end.stdout).toMatch(/executor +\d\d:\d\d:\d\d run finished run_id=\S+ state=completed/);
  expect(end.stdout).toContain("stopped; the next dag up goes on");
  expect(end.stdout).not.toContain("\u001B");
  await allGone(started);
  expect(await readdir(join(folder.path, "data"))).not.toContain("lock");
});

test("after kill -9 all that it started ends by itself, and the next one goes on with the run", async () => {
  await using folder = await TestFolder.make();
  await using first = await startUp(folder);
  const nats = await addressOf(first);
  const task = gate(folder, "task");
  const file = await dagFile(folder, task.command);
  await using running = new Program("dag", ["run", file, "--nats", nats, "--run-id", "run-1", "--json"]);
  await until(async () => (await task.runs()).length === 1);
  const started = descendantsOf(first.pid);
  expect(started.length).toBeGreaterThan(8);
  first.kill("SIGKILL");
  await first.finished;
  // Its lock is still there, and so may be its server for a moment: the next one sees to both.
  await using second = await startUp(folder, "--port", new URL(nats).port);
  expect(await addressOf(second)).toBe(nats);
  await allGone(started);
  await until(async () => (await task.runs()).length === 2);
  await task.open();
  // Whoever waits for the run sees its end too.
  const { code, stdout } = await running.finished;
  expect({ code, run: JSON.parse(stdout) as RunJson }).toMatchObject({
    code: 0,
    run: { state: "completed", tasks: { a: { attempts: 2 } } },
  });
  second.kill("SIGTERM");
  expect((await second.finished).code).toBe(130);
});

describe("what ends by itself is started again, and it is said:", () => {
  /** Waits until it was said, and until a worker other than `but` answers through server and executor. */
  async function recovered(up: Program, service: string, { but = 0 } = {}): Promise<void> {
    const nats = await addressOf(up);
    const told = new RegExp(`^${service} .* ended by itself, started again why=SIGKILL in_ms=500$`, "m");
    await until(
      () => told.test(up.stdout),
      () => up.stdout,
    );
    await until(async () => (await workersOf(nats)).some(({ pid }) => pid !== but));
  }

  test("a worker, the server, and what a killed keeper kept", async () => {
    await using folder = await TestFolder.make();
    await using up = await startUp(folder, "--worker-processes", "1");
    const nats = await addressOf(up);
    const [worker] = await workersOf(nats);
    process.kill(worker?.pid ?? 0, "SIGKILL");
    await recovered(up, "worker-1", { but: worker?.pid });

    const lock = join(folder.path, "data", "lock");
    const { server } = JSON.parse(await readFile(lock, "utf8")) as { server: { pid: number } };
    process.kill(server.pid, "SIGKILL");
    await recovered(up, "nats-server");

    // The keeper's command line names it too.
    const [keeper = 0, executor = 0] = descendantsOf(up.pid).filter((pid) =>
      commandOf(pid).includes("cmd/executor/main.js"),
    );
    expect([parentOf(executor), parentOf(keeper)]).toEqual([keeper, up.pid]);
    process.kill(keeper, "SIGKILL");
    await allGone([keeper, executor]);
    await recovered(up, "executor");

    const { code, stderr } = await dag(["run", await dagFile(folder, "true"), "--nats", nats]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    up.kill("SIGINT");
    expect((await up.finished).code).toBe(130);
  });
});

describe("Ctrl-C", () => {
  test("lets what runs end, and the outcome counts", async () => {
    await using folder = await TestFolder.make();
    const task = gate(folder, "task");
    await using up = await startUp(folder, "--shutdown-timeout", "10m");
    const nats = await addressOf(up);
    const file = await dagFile(folder, task.command);
    await using running = new Program("dag", ["run", file, "--nats", nats, "--run-id", "run-1"]);
    await until(async () => (await task.runs()).length === 1);
    up.kill("SIGINT");
    await up.says("stopping: what runs has 10m to end");
    await task.open();
    expect((await up.finished).code).toBe(130);
    running.kill("SIGKILL");
    await using next = await startUp(folder);
    const now = await addressOf(next);
    const run = await until(async () => {
      const status = await statusOf("run-1", now);
      return status.state === "completed" && status;
    });
    expect(run).toMatchObject({ tasks: { a: { state: "completed", attempts: 1 } } });
    expect(await task.runs()).toEqual(["1"]);
  });

  test("pressed twice ends what runs", async () => {
    await using folder = await TestFolder.make();
    const task = gate(folder, "task");
    await using up = await startUp(folder, "--shutdown-timeout", "10m");
    const nats = await addressOf(up);
    const file = await dagFile(folder, task.command);
    await using running = new Program("dag", ["run", file, "--nats", nats]);
    await until(async () => (await task.runs()).length === 1);
    const started = descendantsOf(up.pid);
    up.kill("SIGINT");
    await up.says("draining");
    up.kill("SIGINT");
    expect((await up.finished).code).toBe(130);
    await allGone(started);
    running.kill("SIGKILL");
  });
});

test("--json: where it is as an object, then the log as objects", async () => {
  await using folder = await TestFolder.make();
  await using up = await startUp(folder, "--json");
  await up.says("\n");
  const ready = JSON.parse(up.stdout.split("\n")[0] ?? "") as { url: string };
  expect(ready).toEqual({
    url: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/) as string,
    pid: up.pid,
    data: join(folder.path, "data"),
  });
  await dag(["run", await dagFile(folder, "echo hello"), "--nats", ready.url]);
  await up.says("run finished");
  up.kill("SIGINT");
  const { code, stdout } = await up.finished;
  expect(code).toBe(130);
  const lines = stdout.split("\n").filter((line) => line !== "");
  const records = lines.slice(1).map((line) => JSON.parse(line) as { service: string; msg: string });
  expect(records.find(({ msg }) => msg === "run finished")).toMatchObject({
    service: "executor",
    level: 30,
    state: "completed",
  });
  expect(records.map(({ service }) => service)).toContain("worker-2");
});

describe("it cannot be started: exit 2, and what to do", () => {
  test("a port that is taken, when it was asked for; another one is taken otherwise", async () => {
    await using folder = await TestFolder.make();
    const other = await listenAt(4222);
    const { code, stderr } = await refused(folder, "--port", "4222");
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toContain("port 4222 is taken: end what listens there, or give another one by --port");
    const args = ["up", "--nats-server", await serverBinary(), "--data", join(folder.path, "data")];
    await using up = new Program("dag", args);
    const nats = await addressOf(up);
    expect(up.stdout).toContain("port 4222 is taken");
    expect(new URL(nats).port).not.toBe("4222");
    up.kill("SIGINT");
    await up.finished;
    other?.close();
  });

  test.each([
    ["a file where the folder should be", async (data: string) => writeFile(data, ""), "EEXIST"],
    [
      "a folder that cannot be written to",
      async (data: string) => mkdir(join(data, "lock"), { recursive: true }),
      "cannot be used: EISDIR",
    ],
    [
      "another layout",
      async (data: string) => {
        await mkdir(data);
        await writeFile(join(data, "version.json"), '{"layout":7,"version":"9.1.0"}');
      },
      "was written by jetdag 9.1.0 (layout 7); this is jetdag ",
    ],
    [
      "a version that is no version",
      async (data: string) => {
        await mkdir(data);
        await writeFile(join(data, "version.json"), "{");
      },
      "its version.json cannot be read",
    ],
    [
      "a folder of somebody else",
      async (data: string) => {
        await mkdir(data);
        await writeFile(join(data, "thesis.tex"), "");
      },
      "is no data folder of dag up, and not empty (there is 'thesis.tex' in it)",
    ],
  ])("%s", async (_name, prepare, message) => {
    await using folder = await TestFolder.make();
    await prepare(join(folder.path, "data"));
    const { code, stdout, stderr } = await refused(folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("--data");
  });

  test("functions that cannot be loaded; nothing is left, not even the lock", async () => {
    await using folder = await TestFolder.make();
    const functions = await folder.write("broken.mjs", "export function x( {");
    const { code, stderr } = await refused(folder, "--functions", functions);
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toContain(`functions file '${functions}': it cannot be loaded`);
    expect(await readdir(join(folder.path, "data"))).not.toContain("lock");
  });
});

/** Nothing where somebody else has the port for good: then it is taken too. */
async function listenAt(port: number): Promise<Server | undefined> {
  const server = createServer();
  const listens = async (): Promise<boolean> => {
    server.listen(port, "127.0.0.1");
    return once(server, "listening").then(
      () => true,
      () => false,
    );
  };
  return until(listens).then(
    () => server,
    () => undefined,
  );
}
