/** Several executor processes on one server: they divide the runs, and hand them over when one ends, dies or stands still. */
import { appendFile, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DagDefinition, DistributedExecutor, type RunResult } from "../../cmd/library/jetdag.ts";
import { SHARES } from "../../internal/core/hash.ts";
import { TestFolder } from "../support/folder.ts";
import { gate } from "../support/gate.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let folder: TestFolder;
let serial = 0;
beforeAll(async () => {
  [server, folder] = await Promise.all([TestServer.start(), TestFolder.make()]);
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()]);
});

/** A namespace of a test's own, and who submits and waits there without driving anything. */
class Cluster implements AsyncDisposable {
  readonly namespace = `executors-${++serial}`;
  readonly args = ["--nats", server.url, "--namespace", this.namespace];
  readonly client = new DistributedExecutor({ nats: server.url, namespace: this.namespace, leaseTerm: "1s" });

  executor(): Program {
    return new Program("executor", [...this.args, "--lease-term", "1s"]);
  }
  worker(...more: string[]): Program {
    return new Program("worker", [...this.args, "--lease-term", "1s", ...more]);
  }

  /** Waits until so many executors drive all runs together, each its part. */
  async driven(executors: number): Promise<void> {
    await until(
      () => {
        const view = this.client.look();
        return view?.executors.length === executors && view.shares.length === SHARES;
      },
      () => this.client.look(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.stop();
  }
}

/** Of many names, so that runs lie in many shares. */
function chains(n: number, tasks: DagDefinition["tasks"]): DagDefinition[] {
  return Array.from({ length: n }, (_, i) => ({ name: `chain-${i}`, tasks }));
}

function submittedTo(executor: Program): string[] {
  const lines = executor.stdout.split("\n").filter((line) => line.includes('"run submitted"'));
  return lines.map((line) => (JSON.parse(line) as { run_id: string }).run_id);
}

async function wordsOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

async function results(handles: readonly { result(): Promise<RunResult> }[]): Promise<RunResult[]> {
  return Promise.all(handles.map((handle) => handle.result()));
}

test("three that are started at once divide the runs; who only waits drives none; one that stops hands over", async () => {
  await using cluster = new Cluster();
  await using a = cluster.executor();
  await using b = cluster.executor();
  await using c = cluster.executor();
  await using _worker = cluster.worker();
  await cluster.client.start();
  await cluster.driven(3);
  expect(cluster.client.role).toBe("stands by");
  const held = gate(folder, "held");
  const [first, second] = [{ id: "first" }, { id: "second", depends_on: ["first"] }];
  const slow: DagDefinition = {
    name: "slow",
    tasks: [
      { ...first, command: held.command },
      { ...second, command: "true" },
    ],
  };
  const waiting = await cluster.client.submit({ dag: slow });
  const many = chains(24, [
    { ...first, command: "true" },
    { ...second, command: "true" },
  ]);
  const ended = await results(await Promise.all(many.map((each) => cluster.client.submit({ dag: each }))));
  expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(["completed"]));
  const driven = [a, b, c].map(submittedTo);
  expect(driven.flat().toSorted()).toEqual(
    [...ended.map(({ runId }) => runId), waiting.runId].toSorted((x, y) => (x < y ? -1 : 1)),
  );
  for (const runs of driven) expect(runs.length).toBeGreaterThan(0);

  // What each knows is brought together for who asks.
  const workers = await dag(["workers", ...cluster.args, "--json"]);
  expect(JSON.parse(workers.stdout)).toMatchObject({ active: 1, slots: 5 });
  const queues = await dag(["queues", ...cluster.args, "--json"]);
  expect(JSON.parse(queues.stdout)).toMatchObject({ queue: "default", waiting: 0, in_flight: 1, workers: 1 });

  const owner = [a, b, c].find((each) => submittedTo(each).includes(waiting.runId));
  if (owner === undefined) throw new Error("nobody drives the run");
  owner.kill("SIGTERM");
  expect((await owner.finished).code).toBe(0);
  await cluster.driven(2);
  await held.open();
  const result = await waiting.result();
  expect(result.tasks).toMatchObject({ first: { attempts: 1 }, second: { state: "completed", attempts: 1 } });
  expect(await held.runs()).toEqual(["1"]);
});

test("one that is killed is replaced by those that are left, with all its runs; nothing runs twice", async () => {
  await using cluster = new Cluster();
  await using a = cluster.executor();
  await using b = cluster.executor();
  await using _worker = cluster.worker("--workers", "20");
  await cluster.client.start();
  await cluster.driven(2);
  const door = `${folder.path}/killed.open`;
  const log = `${folder.path}/killed.log`;
  const line = `echo $JETDAG_RUN_ID $JETDAG_TASK_ID $JETDAG_ATTEMPT >> ${log}`;
  const wait = `while [ -d ${folder.path} ] && [ ! -e ${door} ]; do sleep 0.1; done`;
  const tasks = [
    { id: "one", command: `${line}; ${wait}` },
    { id: "two", command: line, depends_on: ["one"] },
  ];
  const handles = await Promise.all(chains(16, tasks).map((each) => cluster.client.submit({ dag: each })));
  await until(async () => (await wordsOf(log)).length === handles.length);
  for (const each of [a, b]) expect(submittedTo(each).length).toBeGreaterThan(0);
  a.kill("SIGKILL");
  await a.finished;
  await appendFile(door, "");
  const ended = await results(handles);
  expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(["completed"]));
  const expected = handles.flatMap(({ runId }) => [`${runId} one 1`, `${runId} two 1`]);
  expect((await wordsOf(log)).toSorted()).toEqual(expected.toSorted());
  await cluster.driven(1);
});

test("one that stood still while another took over has no effect when it goes on", async () => {
  await using cluster = new Cluster();
  await using a = cluster.executor();
  await using b = cluster.executor();
  const log = `${folder.path}/frozen.log`;
  const functions = await folder.write(
    "frozen.mjs",
    `import { appendFileSync } from "node:fs";
     export const note = (_params, { identity }) => {
       appendFileSync(${JSON.stringify(log)}, identity.runId + " " + identity.task + " " + identity.attempt + "\\n");
     };`,
  );
  await using _worker = cluster.worker("--workers", "4", "--functions", functions);
  await cluster.client.start();
  await cluster.driven(2);
  const width = 200;
  const fan: DagDefinition["tasks"] = [
    { id: "begin", type: "function", command: "note" },
    ...Array.from({ length: width }, (_, i) => ({
      ...{ id: `part-${i}`, type: "function", command: "note", depends_on: ["begin"] },
    })),
    {
      ...{ id: "end", type: "function", command: "note" },
      depends_on: Array.from({ length: width }, (_, i) => `part-${i}`),
    },
  ];
  const handles = await Promise.all(chains(8, fan).map((each) => cluster.client.submit({ dag: each })));
  // In the middle of it: enqueues, outcomes and renewals are under way.
  await until(async () => (await wordsOf(log)).length > width);
  a.kill("SIGSTOP");
  const ended = await results(handles);
  await cluster.driven(1);
  a.kill("SIGCONT");
  await a.says("lease lost");
  // It is one of them again, and had its say if it had one.
  await cluster.driven(2);
  const more = await results(
    await Promise.all(chains(8, fan.slice(0, 2)).map((each) => cluster.client.submit({ dag: each }))),
  );
  const all = [...ended, ...more];
  expect(new Set(all.map(({ state }) => state))).toEqual(new Set(["completed"]));
  const expected = all.flatMap(({ runId, tasks }) => Object.keys(tasks).map((id) => `${runId} ${id} 1`));
  expect((await wordsOf(log)).toSorted()).toEqual(expected.toSorted());
  expect(b.stdout).not.toContain("outcome void");
});
