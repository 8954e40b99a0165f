/** Types of tasks that plug-ins bring, through real programs: the sensor of the examples, looking while others run. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DistributedExecutor, LocalExecutor } from "../../cmd/library/jetdag.ts";
import { ProgramCluster } from "../support/program-cluster.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const SENSOR = fileURLToPath(new URL("../../examples/sensor/sensor.mjs", import.meta.url));
const ARRIVALS = fileURLToPath(new URL("../../examples/sensor/arrivals.yaml", import.meta.url));

let cluster: ProgramCluster;
beforeAll(async () => {
  // One slot: what holds it holds up everything else.
  cluster = await ProgramCluster.start("--id", "w", "--workers", "1", "--plugins", SENSOR);
});
afterAll(() => cluster[Symbol.asyncDispose]());

function on(...args: string[]): Promise<Finished> {
  return cluster.dag(...args);
}

interface Sensor {
  readonly file?: string;
  readonly url?: string;
  readonly every?: number | string;
  readonly give_up_after?: number;
}

/** A DAG of one sensor, and a task below it. */
async function write(name: string, options: Sensor): Promise<string> {
  const tasks = [
    { id: "look", type: "sensor", with: options },
    { id: "load", command: "true", depends_on: ["look"] },
  ];
  return cluster.folder.write(`${name}.json`, JSON.stringify({ name, tasks }));
}

async function submit(name: string, options: Sensor): Promise<void> {
  const file = await write(name, options);
  expect(await on("run", file, "--types", "sensor", "--detach", "--run-id", name)).toMatchObject({ code: 0 });
}

async function explains(args: readonly string[], text: string): Promise<string> {
  let last = "";
  return until(
    async () => {
      last = (await on("explain", ...args)).stdout;
      return last.includes(text) && last;
    },
    () => last,
  );
}

async function resultOf(run: string): Promise<Record<string, Record<string, unknown>>> {
  const { stdout } = await on("wait", run, "--json");
  return (JSON.parse(stdout) as { tasks: Record<string, Record<string, unknown>> }).tasks;
}

describe("a sensor on a cluster", () => {
  test("waits for a file, and holds no slot between its looks", async () => {
    const file = `${cluster.folder.path}/orders.csv`;
    await submit("file", { file, every: 2 });
    const told = await explains(["file", "look"], "looking again in ");
    expect(told).toContain(`: there is no file ${file}`);
    expect(told).toMatch(/^1(-\d+)? +w +.*not-yet: there is no file/m);
    expect(await explains(["file"], "1 looking again:")).toMatch(/^ {4}look in \d.*there is no file/m);
    expect(JSON.parse(await explains(["file", "look", "--json"], '"reason":"looking"'))).toMatchObject({
      state: "retrying",
      wait: { reason: "looking", found: `there is no file ${file}` },
    });
    expect((await on("status", "file")).stdout).toMatch(/Task 'look', attempt \d+: there is no file/);
    // The one slot takes others meanwhile.
    const other = await cluster.folder.write(
      "other.yaml",
      "name: other\ntasks: [{ id: a, command: 'true' }]\n",
    );
    expect(await on("run", other)).toMatchObject({ code: 0 });
    expect((await on("status", "file")).stdout).toContain("running");
    await cluster.folder.write("orders.csv", "1,2,3\n");
    const { look, load } = await resultOf("file");
    expect(look).toMatchObject({ state: "completed", output: { file, bytes: 6 } });
    expect(Number(look?.attempts)).toBeGreaterThan(1);
    expect(load).toMatchObject({ state: "completed" });
  });

  test("waits for an answer", async () => {
    let asked = 0;
    const http: Server = createServer((_request, response) => {
      response.statusCode = ++asked < 3 ? 503 : 200;
      response.end("x");
    });
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/ready`;
      await submit("url", { url, every: 0.05 });
      const { look } = await resultOf("url");
      expect(look).toMatchObject({ state: "completed", attempts: 3, output: { url, status: 200 } });
      expect(asked).toBe(3);
    } finally {
      http.closeAllConnections();
      http.close();
    }
  });

  test("gives up when it has waited for too long", async () => {
    await submit("late", { file: `${cluster.folder.path}/never`, every: 0.05, give_up_after: 0.2 });
    const { look, load } = await resultOf("late");
    expect(look).toMatchObject({ state: "failed", error: { reason: "not-yet" } });
    expect(JSON.stringify(look?.error)).toContain("gave up after");
    expect(load).toMatchObject({ state: "upstream_failed" });
    expect((await on("explain", "late", "look")).stdout).toMatch(/^1-\d+ +w .*not-yet: there is no file/m);
  });

  test("says what is wrong with its options", async () => {
    await submit("wrong", { every: "soon" });
    expect((await resultOf("wrong")).look).toMatchObject({
      state: "failed",
      attempts: 1,
      error: { reason: "bad-input", message: expect.stringContaining("with: either file or url") as string },
    });
  });

  test("is for a program too, which names the type alone, or has it", async () => {
    const tasks = [{ id: "look", type: "sensor", with: { file: cluster.folder.path } }];
    await using submits = new DistributedExecutor({ nats: cluster.url, types: ["sensor"] });
    await submits.start();
    const far = await submits.execute({ dag: { name: "far", tasks } });
    expect(far.tasks.look).toMatchObject({ state: "completed", worker: "w" });

    await using has = new DistributedExecutor({ nats: cluster.url, workerCount: 1, namespace: "own" });
    has.registerTaskExecutor({ type: "sensor", execute: async () => ({ ok: true, output: { near: true } }) });
    await has.start();
    const near = await has.execute({ dag: { name: "near", tasks } });
    expect(near.tasks.look).toMatchObject({ state: "completed", output: { near: true } });
    const late = { type: "late", execute: () => Promise.resolve({ ok: true, output: {} } as const) };
    expect(() => has.registerTaskExecutor(late)).toThrow("'late' has to be registered before start");
  });
});

describe("the type's name", () => {
  test("is needed by what reads the file, and by nothing that takes a deployed DAG", async () => {
    const file = await write("named", { file: cluster.folder.path });
    const unknown = "type: unknown type 'sensor'; use one of bash, ";
    for (const command of ["validate", "deploy", "run"]) {
      const { code, stderr } = await on(command, file);
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toContain(unknown);
      expect(stderr).toContain("a plug-in's type has to be named in 'types'");
    }
    for (const command of ["validate", "deploy"]) {
      expect(await on(command, file, "--types", "sensor")).toMatchObject({ code: 0 });
    }
    expect(await on("run", "named")).toMatchObject({ code: 0 });
  });

  test("may stand in the configuration", async () => {
    const config = await cluster.folder.write("jetdag.yaml", "types: [sensor]\n");
    expect(await on("validate", ARRIVALS, "--config", config)).toMatchObject({ code: 0 });
    expect(await on("validate", ARRIVALS)).toMatchObject({ code: 2 });
    const { stdout } = await on("schema", "--types", "sensor");
    expect(JSON.parse(stdout)).toMatchObject({
      properties: {
        tasks: { items: { properties: { type: { enum: expect.arrayContaining(["sensor"]) as string[] } } } },
      },
    });
  });

  test("is that of its queue: who does not serve it does not get its tasks", async () => {
    expect((await on("workers", "--json")).stdout).toContain('"queues":["default","sensor"]');
    const more = ["--nats", cluster.url, "--plugins", SENSOR, "--allow", "bash", "--id", "policed"];
    await using policed = new Program("worker", more);
    await policed.says("worker started");
    expect(policed.stdout).toContain('"queues":["default"]');
  });
});

describe("a module of plug-ins", () => {
  test.each([
    ["that is not there", `/nowhere/x.mjs`, "plug-ins file '/nowhere/x.mjs': no such file"],
    ["without an executor", "export const x = 1;", "it exports no task executor"],
    [
      "that names a built-in type",
      'export const x = { type: "http", execute() {} };',
      "its export x: type: 'http' is built in",
    ],
  ])("%s: the worker does not start, and neither does a run here", async (_name, text, message) => {
    const file = text.startsWith("/") ? text : await cluster.folder.write("wrong.mjs", text);
    await using worker = new Program("worker", ["--nats", cluster.url, "--plugins", file]);
    const { code, stderr } = await worker.finished;
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
    const here = await dag(["run", ARRIVALS, "--plugins", file]);
    expect(here).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
  });

  test("a type that is allowed has to be one of its types", async () => {
    const args = ["--nats", cluster.url, "--plugins", SENSOR, "--allow", "sensr"];
    await using worker = new Program("worker", args);
    const { code, stderr } = await worker.finished;
    expect(code).toBe(2);
    expect(stderr).toContain("--allow: 'sensr' is none of bash, ");
    expect(stderr).toContain("did you mean 'sensor'?");
  });

  test("that has not loaded yet does not keep the worker from ending", async () => {
    const file = await cluster.folder.write(
      "waits.mjs",
      "await new Promise(() => setInterval(() => {}, 1_000));",
    );
    await using worker = new Program("worker", [
      "--nats",
      cluster.url,
      "--plugins",
      file,
      "--http-port",
      "0",
    ]);
    await worker.says("listening");
    worker.kill("SIGTERM");
    expect(await worker.finished).toMatchObject({ code: 0 });
  });

  test("in a run of this process its types need no name, and the file may come while it runs", async () => {
    const file = `${cluster.folder.path}/here.csv`;
    await using run = new Program("dag", [
      "run",
      await write("here", { file, every: 0.1 }),
      "--plugins",
      SENSOR,
    ]);
    await run.says(`look looked in vain (attempt 1): there is no file ${file}; looking again in 100ms`);
    await cluster.folder.write("here.csv", "1");
    const { code, stdout } = await run.finished;
    expect(code).toBe(0);
    expect(stdout).toContain("Tasks Succeeded: 2");
  });

  test("is loaded by a program that embeds it as any other module", async () => {
    const { sensor } = (await import(SENSOR)) as {
      sensor: Parameters<LocalExecutor["registerTaskExecutor"]>[0];
    };
    await using executor = new LocalExecutor();
    executor.registerTaskExecutor(sensor);
    await executor.start();
    const dagOf = {
      name: "here",
      tasks: [{ id: "look", type: "sensor", with: { file: cluster.folder.path } }],
    };
    expect((await executor.execute({ dag: dagOf })).state).toBe("completed");
  });
});
