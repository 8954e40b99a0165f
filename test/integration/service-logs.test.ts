/** What the services log: one line a transition, JSON in a pipe. */
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

interface Line {
  readonly level: number;
  readonly time: string;
  readonly name: string;
  readonly msg: string;
  readonly task_id?: string;
  readonly reason?: string;
  readonly state?: string;
}

const linesOf = (service: Program): Line[] =>
  service.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
/** Level, message and what it is about, in order. */
const story = (lines: readonly Line[]): string[] =>
  lines.map(({ level, msg, task_id: task, reason, state }) =>
    [level, msg, task, reason, state].filter((part) => part !== undefined).join(" "),
  );

test("a run from both sides; each process from its start to its end", async () => {
  await using server = await TestServer.start();
  await using folder = await TestFolder.make();
  const args = ["--nats", server.url, "--lease-term", "1s", "--heartbeat", "300ms"];
  await using executor = new Program("executor", args);
  await executor.says("executor started");
  await using worker = new Program("worker", [...args, "--id", "w1", "--log-level", "debug"]);
  await executor.says("worker joined");
  await worker.says("worker started");
  const file = await folder.write(
    "dag.json",
    JSON.stringify({
      name: "logs",
      tasks: [
        { id: "a", command: "true" },
        { id: "b", command: "exit 3", depends_on: ["a"] },
      ],
    }),
  );
  await dag(["run", file, "--nats", server.url, "--lease-term", "1s"]);
  await executor.says("run finished");
  worker.kill("SIGTERM");
  expect((await worker.finished).code).toBe(0);
  await until(
    () => executor.stdout.includes("worker left"),
    () => executor.stdout,
  );
  executor.kill("SIGINT");
  expect((await executor.finished).code).toBe(0);

  expect(story(linesOf(executor))).toEqual([
    "30 executor started",
    "30 lease taken",
    "30 worker joined",
    "30 run submitted",
    "30 attempt failed b exit-nonzero",
    "30 run finished failed",
    "30 worker left",
    "30 stopping",
    "30 lease given back",
    "30 executor ended",
  ]);
  expect(story(linesOf(worker))).toEqual([
    "30 worker started",
    "20 attempt started a",
    "20 attempt completed a",
    "20 attempt started b",
    "30 attempt failed b exit-nonzero",
    "30 draining",
    "30 worker ended",
  ]);
  for (const line of [...linesOf(executor), ...linesOf(worker)]) {
    expect(line).toMatchObject({ name: expect.stringMatching(/^(executor|worker)$/) as string });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  }
  expect(`${executor.stderr}${worker.stderr}`).toBe("");
});

test("waiting for a server is told once, not each time that it is tried", async () => {
  await using server = await TestServer.start();
  await server.stop();
  await using worker = new Program("worker", ["--nats", server.url, "--lease-term", "1s"]);
  await worker.says("waiting for the NATS server");
  await server.restart();
  await worker.says("worker started");
  expect(story(linesOf(worker)).slice(0, 2)).toEqual(["40 waiting for the NATS server", "30 worker started"]);
});

test("a level that is asked for is kept", async () => {
  const args = ["--nats", "nats://127.0.0.1:1", "--log-level", "warn", "--http-port", "0"];
  await using worker = new Program("worker", args);
  await worker.says("waiting for the NATS server");
  worker.kill("SIGTERM");
  expect((await worker.finished).code).toBe(0);
  expect(story(linesOf(worker))).toEqual(["40 waiting for the NATS server"]);
});
