import { readFile } from "node:fs/promises";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCluster } from "../../internal/nats/cluster.ts";
import { TestFolder } from "../support/folder.ts";
import { gate } from "../support/gate.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let serial = 0;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Each test has a namespace of its own on the one server. */
function cluster(): {
  ns: string;
  args: string[];
  executor(): Program;
  worker(id: string, ...more: string[]): Program;
} {
  const ns = `test-${++serial}`;
  const args = ["--nats", server.url, "--namespace", ns];
  const times = ["--heartbeat", "300ms", "--lease-term", "1s", "--log-level", "debug"];
  return {
    ns,
    args,
    executor: () => new Program("executor", [...args, ...times, "--dead-after", "1500ms"]),
    worker: (id, ...more) => new Program("worker", [...args, ...times, "--id", id, ...more]),
  };
}

interface RunJson {
  readonly state: string;
  readonly tasks: Record<
    string,
    { state: string; attempts: number; worker: string; error: { reason: string } | null }
  >;
}
const json = (text: string): RunJson => JSON.parse(text) as RunJson;

describe("a cluster of real processes", () => {
  test("executor, two workers and the command line run a DAG", async () => {
    const { args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    await using _executor = executor();
    await using first = worker("w1");
    await using second = worker("w2");
    await Promise.all([
      first.says("worker started"),
      second.says("worker started"),
      _executor.says("lease taken"),
    ]);
    const one = gate(folder, "one");
    const two = gate(folder, "two");
    const file = await folder.write(
      "dag.json",
      JSON.stringify({
        name: "real",
        tasks: [
          { id: "one", command: one.command },
          { id: "two", command: two.command },
          { id: "join", type: "function", command: "echo", depends_on: ["one", "two"] },
        ],
      }),
    );
    await using running = new Program("dag", ["run", file, ...args, "--json", "--run-id", "real-1"]);
    await until(async () => (await one.runs()).length + (await two.runs()).length === 2);
    const status = await dag(["status", "real-1", ...args, "--json"]);
    expect(json(status.stdout).tasks).toMatchObject({
      one: { state: "running" },
      join: { state: "pending" },
    });
    await one.open();
    await two.open();
    const { code, stdout } = await running.finished;
    expect({ code, state: json(stdout).state }).toEqual({ code: 0, state: "completed" });
    const workers = await dag(["workers", ...args, "--json"]);
    expect(
      workers.stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { worker_id: string }).worker_id)
        .toSorted(),
    ).toEqual(["w1", "w2"]);
    expect((await dag(["status", "real-1", ...args])).stdout).toContain("completed");
    expect((await dag(["cancel", "real-1", ...args])).code).toBe(1);
  });

  test("workers of one queue with different functions: who lacks one leaves it to who has it", async () => {
    const { args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    const functions = await folder.write("fn.mjs", "export const num = () => 7;\n");
    await using _executor = executor();
    await using _able = worker("able", "--functions", functions, "--workers", "1");
    await using _other = worker("other");
    await until(async () => (await dag(["workers", ...args])).stdout.split("live").length === 3);
    const tasks = Array.from({ length: 20 }, (_, i) => ({ id: `t${i}`, type: "function", command: "num" }));
    const file = await folder.write("dag.json", JSON.stringify({ name: "able", tasks }));
    const { code, stdout } = await dag(["run", file, ...args, "--json"]);
    expect({ code, state: json(stdout).state }).toEqual({ code: 0, state: "completed" });
    const nobody = [{ id: "a", type: "function", command: "nobody" }];
    const unknown = await folder.write("no.json", JSON.stringify({ name: "unable", tasks: nobody }));
    const failed = await dag(["run", unknown, ...args, "--json"]);
    expect(failed.code).toBe(1);
    expect(json(failed.stdout).tasks).toMatchObject({
      a: { attempts: 1, error: { reason: "unknown-function" } },
    });
  });

  test("a worker killed in mid-task: its task runs elsewhere, once", async () => {
    const { args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    await using _executor = executor();
    await using first = worker("w1");
    await first.says("worker started");
    await _executor.says("lease taken");
    const task = gate(folder, "task");
    const file = await folder.write(
      "dag.json",
      JSON.stringify({ name: "lost", tasks: [{ id: "a", command: task.command }] }),
    );
    await using running = new Program("dag", ["run", file, ...args, "--json"]);
    await until(async () => (await task.runs()).length === 1);
    first.kill("SIGKILL");
    await using second = worker("w2");
    await until(
      async () => (await task.runs()).length === 2,
      () => ({ executor: _executor.stdout.slice(-3_000), w2: second.stdout.slice(-2_000) }),
    );
    await task.open();
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    expect(json(stdout).tasks.a).toMatchObject({ state: "completed", attempts: 2, worker: "w2" });
    expect(await task.runs()).toEqual(["1", "2"]);
    expect(_executor.stdout).toContain("worker declared dead");
  });

  test("an executor killed in mid-run: the next one finishes the run, nothing runs twice", async () => {
    const { args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    await using first = executor();
    await using _worker = worker("w1");
    await _worker.says("worker started");
    await first.says("lease taken");
    const a = gate(folder, "a");
    const b = gate(folder, "b");
    const file = await folder.write(
      "dag.json",
      JSON.stringify({
        name: "over",
        tasks: [
          { id: "a", command: a.command },
          { id: "b", command: b.command, depends_on: ["a"] },
        ],
      }),
    );
    await using client = new Program("dag", [
      "run",
      file,
      ...args,
      "--json",
      "--run-id",
      "over-1",
      "--lease-term",
      "1s",
    ]);
    await until(async () => (await a.runs()).length === 1);
    first.kill("SIGKILL");
    client.kill("SIGKILL");
    await Promise.all([first.finished, client.finished]);
    await a.open();
    await using second = executor();
    await until(
      async () => (await b.runs()).length === 1,
      () => second.stdout.slice(-3_000),
    );
    await b.open();
    const done = await until(async () => {
      const { stdout } = await dag(["status", "over-1", ...args, "--json"]);
      return json(stdout).state === "completed" && json(stdout);
    });
    expect(done.tasks).toMatchObject({
      a: { state: "completed", attempts: 1 },
      b: { state: "completed", attempts: 1 },
    });
    expect([await a.runs(), await b.runs()]).toEqual([["1"], ["1"]]);
  });

  test("a worker that drains lets its task end, and gives back what has not begun", async () => {
    const { args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    await using _executor = executor();
    await using first = worker("w1", "--workers", "1", "--shutdown-timeout", "5m");
    await Promise.all([first.says("worker started"), _executor.says("lease taken")]);
    const a = gate(folder, "a");
    const tasks = [
      { id: "a", command: a.command, priority: 9 },
      { id: "b", command: "true" },
    ];
    const file = await folder.write("dag.json", JSON.stringify({ name: "drain", tasks }));
    await using running = new Program("dag", ["run", file, ...args, "--json", "--run-id", "drain-1"]);
    await until(async () => (await a.runs()).length === 1);
    first.kill("SIGTERM");
    await first.says("draining");
    await using _second = worker("w2");
    await until(async () => {
      const { stdout } = await dag(["status", "drain-1", ...args, "--json"]);
      return json(stdout).tasks.b?.state === "completed";
    });
    await a.open();
    const { stdout } = await running.finished;
    expect(json(stdout).tasks).toMatchObject({
      a: { state: "completed", attempts: 1, worker: "w1" },
      b: { state: "completed", attempts: 1, worker: "w2" },
    });
    expect((await first.finished).code).toBe(0);
  });

  test("cancel from the command line ends what runs, with all its processes", async () => {
    const { args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    await using _executor = executor();
    await using _worker = worker("w1");
    await Promise.all([_worker.says("worker started"), _executor.says("lease taken")]);
    const command = `sleep 1000 & echo $! > ${folder.path}/child; wait`;
    const file = await folder.write(
      "dag.json",
      JSON.stringify({ name: "stop", tasks: [{ id: "a", command }] }),
    );
    await using running = new Program("dag", ["run", file, ...args, "--run-id", "stop-1"]);
    const child = await until(
      async () => Number(await readFile(`${folder.path}/child`, "utf8").catch(() => "")) || undefined,
    );
    expect((await dag(["cancel", "stop-1", ...args])).stdout).toBe("run stop-1 is cancelled\n");
    expect((await running.finished).code).toBe(1);
    await until(async () => {
      const state = await readFile(`/proc/${child}/stat`, "utf8").catch(() => "gone");
      return state === "gone" || state.split(" ")[2] === "Z";
    });
  });

  test("without an executor, the command line takes part as one", async () => {
    const { args, worker } = cluster();
    await using folder = await TestFolder.make();
    await using _worker = worker("w1");
    await _worker.says("waiting for one");
    const file = await folder.write(
      "dag.json",
      JSON.stringify({ name: "alone", tasks: [{ id: "a", command: "echo hi" }] }),
    );
    const { code, stdout } = await dag(["run", file, ...args, "--json"]);
    expect({ code, state: json(stdout).state }).toEqual({ code: 0, state: "completed" });
  });

  test("messages that cannot be read are put aside with their bytes, and everything goes on", async () => {
    const { ns, args, executor, worker } = cluster();
    await using folder = await TestFolder.make();
    await using _executor = executor();
    await using _worker = worker("w1");
    await Promise.all([_worker.says("worker started"), _executor.says("lease taken")]);
    const nc = await connect({ servers: server.url });
    const bad = [
      `${ns}.run.3.x.submitted`,
      `${ns}.run.3.x.strange`,
      `${ns}.task.default.x.a.0.1`,
      `${ns}.worker.beat.x`,
      `${ns}.worker.took.x`,
    ];
    for (const subject of bad) nc.publish(subject, "not { JSON");
    nc.publish(`${ns}.task.default.x.b.0.1`, '{"v":1}');
    await nc.flush();
    const aside = await openCluster({
      servers: server.url,
      name: "test",
      namespace: ns,
      ackWaitMs: 60_000,
      leaseTermMs: 1_000,
      onTrouble: () => undefined,
      onDeadLetter: () => undefined,
    });
    const letters = await until(
      async () => {
        const found = await aside.deadLetters.list(100);
        return found.length >= 6 && found;
      },
      () => aside.deadLetters.list(100),
    );
    const subjects = letters.map((letter) => (letter.kind === "unreadable" ? letter.subject : ""));
    expect(subjects.toSorted()).toEqual([...bad, `${ns}.task.default.x.b.0.1`].toSorted());
    const stored = await aside.deadLetters.get(letters[subjects.indexOf(bad[0] ?? "")]?.id ?? "");
    expect(stored?.letter).toMatchObject({ bytes: new TextEncoder().encode("not { JSON") });
    expect(letters.every(({ reason }) => reason !== "")).toBe(true);
    await until(async () => (await aside.queue.list()).length === 0);
    const { stderr } = await dag(["runs", ...args]);
    expect(stderr).toMatch(/^dag: .* could not be read, and left out: see 'dag dead list'\n$/);
    const file = await folder.write(
      "dag.json",
      JSON.stringify({ name: "after", tasks: [{ id: "a", command: "true" }] }),
    );
    expect((await dag(["run", file, ...args])).code).toBe(0);
    await aside.close();
    await nc.close();
  });
});
