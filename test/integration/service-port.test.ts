/** Health, readiness and metrics of real services. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const TIMES = ["--heartbeat", "300ms", "--lease-term", "1s"];

/** The port that the service says it got. */
async function portOf(service: Program): Promise<number> {
  await service.says("http listening");
  const line = service.stdout.split("\n").find((each) => each.includes("http listening")) ?? "";
  return (JSON.parse(line) as { port: number }).port;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function ask(port: number, path: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

/** Waits until the service answers like this. */
async function readiness(service: Program, status: number, text: string): Promise<void> {
  const port = await portOf(service);
  let last: Answer | undefined;
  await until(
    async () => {
      last = await ask(port, "/readyz");
      return last.status === status && last.body.includes(text);
    },
    () => ({ last, log: service.stdout.slice(-2_000) }),
  );
}

describe("the services' HTTP port", () => {
  test("ready while it can work: before the server is there, with it, without it, and with it again", async () => {
    await using server = await TestServer.start();
    await server.stop();
    const args = ["--nats", server.url, ...TIMES, "--http-port", "0"];
    await using executor = new Program("executor", args);
    await using worker = new Program("worker", args);
    for (const service of [executor, worker]) {
      await readiness(service, 503, "not connected to the NATS server");
    }
    await server.restart();
    for (const service of [executor, worker]) await readiness(service, 200, '"status":"ready"');
    await server.stop();
    for (const service of [executor, worker]) {
      await readiness(service, 503, "not connected to the NATS server");
      expect(await ask(await portOf(service), "/healthz")).toMatchObject({ status: 200 });
    }
    await server.restart();
    for (const service of [executor, worker]) await readiness(service, 200, '"status":"ready"');
  });

  test("a worker that drains is not ready, and lives; then it is gone", async () => {
    await using server = await TestServer.start();
    const args = ["--nats", server.url, ...TIMES];
    await using executor = new Program("executor", args);
    await using worker = new Program("worker", [...args, "--http-port", "0"]);
    await Promise.all([executor.says("lease taken"), readiness(worker, 200, '"service":"worker"')]);
    const open = `${folder.path}/drain.open`;
    const command = `echo runs; touch ${folder.path}/drain.runs; while [ -d ${folder.path} ] && [ ! -e ${open} ]; do sleep 0.05; done`;
    const file = await folder.write(
      "drain.json",
      JSON.stringify({ name: "d", tasks: [{ id: "a", command }] }),
    );
    await using run = new Program("dag", ["run", file, "--nats", server.url, "--lease-term", "1s"]);
    const port = await portOf(worker);
    await until(async () =>
      (await ask(port, "/metrics")).body.includes("\njetdag_worker_active_attempts 1\n"),
    );
    worker.kill("SIGTERM");
    await readiness(worker, 503, "it is draining");
    expect(JSON.parse((await ask(port, "/health")).body)).toEqual({ status: "healthy", service: "worker" });
    await folder.write("drain.open", "");
    expect((await run.finished).code).toBe(0);
    expect((await worker.finished).code).toBe(0);
    await expect(ask(port, "/healthz")).rejects.toThrow("fetch failed");
  });

  test("metrics tell what ran, where and how it ended, and what each executor drives", async () => {
    await using server = await TestServer.start();
    const args = ["--nats", server.url, ...TIMES, "--http-port", "0"];
    await using leader = new Program("executor", args);
    await leader.says("lease taken");
    await using worker = new Program("worker", [...args, "--workers", "3"]);
    await readiness(worker, 200, "worker");
    const tasks = [
      { id: "a", command: "true" },
      { id: "b", command: "exit 3", depends_on: ["a"] },
      { id: "c", type: "function", command: "echo" },
    ];
    const file = await folder.write("metrics.json", JSON.stringify({ name: "m", tasks }));
    expect((await dag(["run", file, "--nats", server.url, "--lease-term", "1s"])).code).toBe(1);
    const has = async (service: Program, lines: readonly string[]): Promise<void> => {
      const port = await portOf(service);
      let body = "";
      await until(
        async () => {
          ({ body } = await ask(port, "/metrics"));
          const all = new Set(body.split("\n"));
          return lines.every((line) => all.has(line));
        },
        () => ({ lines, body: body.split("\n").filter((line) => line.startsWith("jetdag_")) }),
      );
    };
    await has(leader, [
      "jetdag_shares 16",
      "jetdag_runs_submitted_total 1",
      'jetdag_runs_ended_total{state="failed"} 1',
      'jetdag_attempts_total{type="bash",outcome="completed"} 1',
      'jetdag_attempts_total{type="bash",outcome="exit-nonzero"} 1',
      'jetdag_attempts_total{type="function",outcome="completed"} 1',
      'jetdag_attempt_duration_seconds_count{type="bash"} 2',
      "jetdag_live_workers 1",
      "jetdag_slots 3",
      "jetdag_active_attempts 0",
      "jetdag_active_runs 0",
      'jetdag_queue_depth{queue="default"} 0',
      'jetdag_queue_workers{queue="default"} 1',
    ]);
    await using second = new Program("executor", args);
    await has(second, ["jetdag_shares 8", "jetdag_runs_submitted_total 0", "jetdag_live_workers 1"]);
    await has(leader, ["jetdag_shares 8", "jetdag_runs_submitted_total 1"]);
    await has(worker, [
      "jetdag_worker_slots 3",
      "jetdag_worker_active_attempts 0",
      'jetdag_worker_attempts_total{type="bash",outcome="exit-nonzero"} 1',
      'jetdag_worker_attempts_total{type="function",outcome="completed"} 1',
    ]);
    leader.kill("SIGTERM");
    await has(second, ["jetdag_shares 16", "jetdag_live_workers 1"]);
  });

  test.each(["executor", "worker"] as const)("%s: a port that is taken is exit 2 at start", async (name) => {
    const nobody = ["--nats", "nats://127.0.0.1:1", "--http-port"];
    await using first = new Program("worker", [...nobody, "0"]);
    const port = await portOf(first);
    await using second = new Program(name, [...nobody, String(port)]);
    const { code, stderr } = await second.finished;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `${name}: port ${port} is taken: give another one by --http-port, or 0 for any that is free\n`,
    });
  });

  test("without --http-port nothing listens", async () => {
    await using worker = new Program("worker", ["--nats", "nats://127.0.0.1:1"]);
    await worker.says("waiting for the NATS server");
    expect(worker.stdout).not.toContain("http listening");
  });
});
