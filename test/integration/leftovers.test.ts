import { existsSync, readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { commandOf, descendantsOf, isRunning, isStopped } from "../support/processes.ts";
import { Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const PROCESSES = ["script", "child", "detached"];

/** A DAG of one task: a script, its child, and one that has left both group and session. All ignore SIGTERM. */
async function stubbornDag(folder: TestFolder, name: string): Promise<string> {
  const stay = "while :; do sleep 0.05; done";
  const enter = (process: string): string => `echo $$ >${folder.path}/${name}-${process}`;
  const command = `trap "" TERM; setsid bash -c '${enter("detached")}; ${stay}' & bash -c '${enter("child")}; ${stay}' & ${enter("script")}; ${stay}`;
  return folder.write(`${name}.json`, JSON.stringify({ name, tasks: [{ id: "a", command }] }));
}

/** Resolves with their process ids once all of them run. */
async function started(folder: TestFolder, name: string): Promise<number[]> {
  return until(() => {
    const files = PROCESSES.map((process) => `${folder.path}/${name}-${process}`);
    const pids = files.map((file) => (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0));
    return pids.every((pid) => pid > 0) && pids;
  });
}

async function assertGone(pids: readonly number[]): Promise<void> {
  const left = (): number[] => pids.filter(isRunning);
  await until(() => left().length === 0, left);
}

const spawnersOf = (pid: number): number[] =>
  descendantsOf(pid).filter((each) => commandOf(each).includes("spawner/main.mjs"));

test("`kill -9` of a run in its own process leaves no process of its tasks", async () => {
  await using folder = await TestFolder.make();
  await using program = new Program("dag", ["run", await stubbornDag(folder, "here")]);
  const pids = await started(folder, "here");
  program.kill("SIGKILL");
  await assertGone(pids);
});

test("a spawner that somebody kills leaves nothing behind, and what it ran runs again", async () => {
  await using folder = await TestFolder.make();
  await using program = new Program("dag", ["run", await stubbornDag(folder, "again")]);
  const pids = await started(folder, "again");
  const [first = 0, ...others] = spawnersOf(program.pid);
  expect(others).toEqual([]);
  for (const process of PROCESSES) await rm(`${folder.path}/again-${process}`);
  process.kill(first, "SIGKILL");
  await assertGone(pids);
  const after = await started(folder, "again");
  expect(spawnersOf(program.pid)).toHaveLength(1);
  program.kill("SIGKILL");
  await assertGone(after);
});

test("a script that stops its spawner outlives neither the run nor its end", async () => {
  await using folder = await TestFolder.make();
  const command = `echo $$ >${folder.path}/pid; kill -STOP $PPID; sleep 1000`;
  const file = await folder.write(
    "stopped.json",
    JSON.stringify({ name: "x", tasks: [{ id: "a", command }] }),
  );
  await using program = new Program("dag", ["run", file]);
  const script = await until(() => {
    const path = `${folder.path}/pid`;
    return existsSync(path) && Number(readFileSync(path, "utf8"));
  });
  const [spawner = 0] = spawnersOf(program.pid);
  await until(() => isStopped(spawner));
  program.kill("SIGINT");
  expect((await program.finished).code).toBe(130);
  await assertGone([script, spawner]);
});

test("a stopped spawner of a run that was killed, and what it runs, the next run ends", async () => {
  await using folder = await TestFolder.make();
  const command = `echo $$ >${folder.path}/pid; kill -STOP $PPID; sleep 1000`;
  const dag = (id: string, command: string): Promise<string> =>
    folder.write(`${id}.json`, JSON.stringify({ name: id, tasks: [{ id, command }] }));
  const own = { TMPDIR: folder.path };
  await using program = new Program("dag", ["run", await dag("stopped", command)], own);
  const script = await until(() => {
    const path = `${folder.path}/pid`;
    return existsSync(path) && Number(readFileSync(path, "utf8"));
  });
  const [spawner = 0] = spawnersOf(program.pid);
  await until(() => isStopped(spawner));
  program.kill("SIGKILL");
  await program.finished;
  await using next = new Program("dag", ["run", await dag("next", "true")], own);
  expect((await next.finished).code).toBe(0);
  await assertGone([script, spawner]);
});

test("a run that ends leaves no spawner", async () => {
  await using folder = await TestFolder.make();
  const file = await folder.write(
    "short.json",
    JSON.stringify({
      name: "short",
      tasks: [
        {
          id: "a",
          command: `echo $PPID >${folder.path}/pid; while [ ! -e ${folder.path}/go ]; do sleep 0.05; done`,
        },
      ],
    }),
  );
  await using program = new Program("dag", ["run", file]);
  const spawners = await until(() => existsSync(`${folder.path}/pid`) && spawnersOf(program.pid));
  expect(spawners.filter(isRunning)).toHaveLength(1);
  await folder.write("go", "");
  expect((await program.finished).code).toBe(0);
  await assertGone(spawners);
});

test("what a worker left that was killed together with its spawner, the next one ends, and nothing of a live one", async () => {
  await using server = await TestServer.start();
  await using folder = await TestFolder.make();
  const flags = ["--nats", server.url];
  const worker = (queue: string): Program =>
    new Program("worker", [...flags, "--queues", queue], { TMPDIR: folder.path });
  await using executor = new Program("executor", flags);
  await executor.says("lease taken");
  const begin = async (name: string): Promise<{ worker: Program; run: Program; pids: number[] }> => {
    const begun = worker(name);
    await begun.says("worker started");
    const text = JSON.parse(readFileSync(await stubbornDag(folder, name), "utf8")) as { tasks: object[] };
    const tasks = text.tasks.map((task) => ({ ...task, queue: name }));
    const file = await folder.write(`${name}-queue.json`, JSON.stringify({ ...text, tasks }));
    const run = new Program("dag", ["run", file, ...flags]);
    return { worker: begun, run, pids: await started(folder, name) };
  };
  const dead = await begin("dead");
  await using _deadWorker = dead.worker;
  await using _deadRun = dead.run;
  const live = await begin("live");
  await using _liveWorker = live.worker;
  await using _liveRun = live.run;
  // Stopped first, so that the spawner cannot do its work in between.
  for (const spawner of spawnersOf(dead.worker.pid)) process.kill(spawner, "SIGSTOP");
  const spawners = spawnersOf(dead.worker.pid);
  dead.worker.kill("SIGKILL");
  for (const spawner of spawners) process.kill(spawner, "SIGKILL");
  await dead.worker.finished;
  expect(spawners).toHaveLength(1);
  expect(dead.pids.filter(isRunning)).toEqual(dead.pids);

  await using next = worker("other");
  await next.says("worker started");
  await assertGone(dead.pids);
  expect(live.pids.filter(isRunning)).toEqual(live.pids);
  expect((await readdir(folder.path)).filter((name) => name.startsWith("jetdag-"))).toHaveLength(1);
  live.worker.kill("SIGKILL");
  await assertGone(live.pids);
});
