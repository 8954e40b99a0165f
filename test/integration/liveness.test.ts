/**
 * Real workers that are killed, frozen, blocked or cut off: who is taken for dead, and what becomes of what they held?
 * What nobody took for dead is shown by how often a task began.
 */
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { gate } from "../support/gate.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { Snippet } from "../support/snippet.ts";
import { until } from "../support/until.ts";

const SHORT = ["--heartbeat", "300ms", "--lease-term", "1s", "--log-level", "debug"];

interface Task {
  readonly state: string;
  readonly attempts: number;
  readonly worker: string | null;
}

/** Programs on a server of their own, whose runs are of one task that waits at a gate. */
async function stage(): Promise<{
  server: TestServer;
  folder: TestFolder;
  executor(...more: string[]): Program;
  worker(id: string, ...more: string[]): Program;
  submit(runId: string, command: string): Promise<void>;
  taskOf(runId: string): Promise<Task | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const server = await TestServer.start();
  const folder = await TestFolder.make();
  const args = ["--nats", server.url];
  return {
    server,
    folder,
    executor: (...more) => new Program("executor", [...args, ...SHORT, ...more]),
    worker: (id, ...more) => new Program("worker", [...args, ...SHORT, "--id", id, ...more]),
    submit: async (runId, command) => {
      const tasks = [{ id: "a", command }];
      const file = await folder.write(`${runId}.json`, JSON.stringify({ name: "live", tasks }));
      const { code, stderr } = await dag(["run", file, ...args, "--run-id", runId, "--detach"]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
    },
    taskOf: async (runId) => {
      const { stdout } = await dag(["status", runId, ...args, "--json"]);
      return stdout === "" ? undefined : (JSON.parse(stdout) as { tasks: Record<string, Task> }).tasks.a;
    },
    [Symbol.asyncDispose]: async () => {
      await folder[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("what a killed worker held runs elsewhere long before the hard bound, and it is told how that was known", async () => {
  await using on = await stage();
  await using executor = on.executor("--dead-after", "10m");
  await using first = on.worker("first");
  await Promise.all([first.says("worker started"), executor.says("lease taken")]);
  const a = gate(on.folder, "a");
  await on.submit("killed", a.command);
  await until(async () => (await a.runs()).length === 1);
  await using second = on.worker("second");
  await second.says("worker started");
  first.kill("SIGKILL");
  await until(
    async () => (await a.runs()).length === 2,
    () => executor.stdout.slice(-2_000),
  );
  await a.open();
  await until(async () => (await on.taskOf("killed"))?.state === "completed");
  expect(await on.taskOf("killed")).toMatchObject({ attempts: 2, worker: "second" });
  expect(executor.stdout).toContain('"sign":"connection-gone"');
  expect(executor.stdout).toContain("worker 'first' is dead: its connection is gone");
});

test("a frozen worker is dead after the hard bound; when it comes back it ends what is not its own, and works on", async () => {
  await using on = await stage();
  // Longer than what it has asked the queue for can still come to it.
  await using executor = on.executor("--dead-after", "7s");
  await using frozen = on.worker("frozen");
  await Promise.all([frozen.says("worker started"), executor.says("lease taken")]);
  const a = gate(on.folder, "a");
  await on.submit("frozen", a.command);
  await until(async () => (await a.runs()).length === 1);
  frozen.kill("SIGSTOP");
  await executor.says('"sign":"silent"');
  await using other = on.worker("other");
  await until(async () => (await a.runs()).length === 2);
  frozen.kill("SIGCONT");
  await until(
    () => executor.stdout.split('"worker_id":"frozen","slots"').length === 3,
    () => executor.stdout.slice(-3_000),
  );
  // The zombie's own attempt is ended there, and its outcome counts for nothing.
  await frozen.says('"reason":"released"');
  await executor.says("outcome void");
  await a.open();
  await until(async () => (await on.taskOf("frozen"))?.state === "completed");
  expect(await on.taskOf("frozen")).toMatchObject({ attempts: 2, worker: "other" });
  other.kill("SIGTERM");
  await other.finished;
  const b = gate(on.folder, "b");
  await on.submit("after", b.command);
  await b.open();
  await until(async () => (await on.taskOf("after"))?.state === "completed");
  expect(await on.taskOf("after")).toMatchObject({ attempts: 1, worker: "frozen" });
});

test("a loop that is blocked for several times every bound is no death, and nothing is delivered again", async () => {
  await using on = await stage();
  const flags = [
    "--dead-after",
    "2s",
    "--heartbeat",
    "600ms",
    "--probe-interval",
    "500ms",
    "--ack-wait",
    "2s",
  ];
  await using executor = on.executor(...flags);
  await executor.says("lease taken");
  await using program = new Snippet(
    `const { DistributedExecutor } = await load("cmd/library/jetdag.js");
     const executor = new DistributedExecutor({ nats: input.nats, workerCount: 2, ackWait: "2s", leaseTerm: "1s",
       observer: { observe: (each) => each.kind === "loop-blocked" && say(each) } });
     let calls = 0;
     executor.registerFunction("block", () => {
       calls++;
       for (const until = Date.now() + 10_000; Date.now() < until;);
       return { calls };
     });
     await executor.start();
     const { tasks } = await executor.execute({ dag: { name: "blocked", tasks: [{ id: "a", type: "function", command: "block" }] } });
     say({ kind: "ended", calls, ...tasks.a });
     await executor.stop();`,
    { input: { nats: on.server.url } },
  );
  const blocked = await program.says<{ kind: string; ms: number }>(({ kind }) => kind === "loop-blocked");
  expect(blocked.ms).toBeGreaterThan(5_000);
  const ended = await program.says<{ kind: string }>(({ kind }) => kind === "ended");
  expect(ended).toMatchObject({ state: "completed", attempts: 1, calls: 1, output: { calls: 1 } });
  expect(executor.stdout).toContain("worker blocked by what it runs");
  expect(executor.stdout).not.toContain("declared dead");
});

test("a server that dies and comes back makes no live worker dead, and its task runs on", async () => {
  await using on = await stage();
  await using executor = on.executor("--dead-after", "2s", "--gone-after", "1s");
  await using worker = on.worker("w");
  await Promise.all([worker.says("worker started"), executor.says("lease taken")]);
  const a = gate(on.folder, "a");
  await on.submit("outage", a.command);
  await until(async () => (await a.runs()).length === 1);
  for (let round = 1; round <= 3; round++) {
    await on.server.kill();
    await on.server.restart();
    await until(
      async () => (await on.taskOf("outage"))?.state === "running",
      () => executor.stdout.slice(-2_000),
    );
  }
  await a.open();
  await until(async () => (await on.taskOf("outage"))?.state === "completed");
  expect(await a.runs()).toEqual(["1"]);
  expect(executor.stdout).not.toContain("declared dead");
});
