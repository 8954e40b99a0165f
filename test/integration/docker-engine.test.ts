/** Docker tasks when the engine goes, when workers die, and on a cluster. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  allGone,
  callOf,
  containerOf,
  containersOf,
  contextOf,
  docker,
  openExecutor,
  perform,
  TASK_IMAGE,
} from "../support/docker.ts";
import { EngineDoor } from "../support/engine-door.ts";
import { TestFolder } from "../support/folder.ts";
import { serverBinary, TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const NOWHERE = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
const IMAGE = ["--docker", "--docker-image", TASK_IMAGE ?? ""];

async function fileOf(folder: TestFolder, tasks: readonly object[]): Promise<string> {
  return folder.write("dag.json", JSON.stringify({ name: "d", tasks }));
}

describe("without an engine", () => {
  test("a run in its own process says at once what is missing", async () => {
    await using folder = await TestFolder.make();
    const file = await fileOf(folder, [{ id: "a", type: "docker", command: "true" }]);
    const ended = await dag(["run", file, "--docker"], NOWHERE);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toBe(
      "dag: docker tasks cannot run: the Docker engine at unix:///nowhere/docker.sock is not there: start it, or say by DOCKER_HOST where it is\n",
    );
  });

  test("a docker task that nobody has asked for names the flag", async () => {
    await using folder = await TestFolder.make();
    const file = await fileOf(folder, [{ id: "a", type: "python", command: "true" }]);
    const { code, stdout } = await dag(["run", file, "--json"], NOWHERE);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      tasks: {
        a: {
          error: {
            reason: "unknown-type",
            message: expect.stringContaining(
              "worker has no executor for type 'docker', which needs --docker; it has: bash, http, function",
            ) as string,
          },
        },
      },
    });
  });

  test("a worker says what a type of --allow needs that it does not have", async () => {
    await using worker = new Program("worker", ["--nats", "nats://127.0.0.1:1", "--allow", "bash,py"]);
    await worker.says('"needs"');
    expect(worker.stdout + worker.stderr).toContain('"type":"docker","needs":"--docker"');
  });

  test("dag up hands the switch to its workers, and tells what they say", async () => {
    await using folder = await TestFolder.make();
    const data = ["--data", `${folder.path}/data`, "--port", "0", "--nats-server", await serverBinary()];
    await using up = new Program("dag", ["up", "--docker", ...data], NOWHERE);
    await up.says("docker tasks cannot run");
    await up.says("Ctrl-C");
    const nats = /export NATS_URL=(\S+)/.exec(up.stdout)?.[1] ?? "";
    const { stdout } = await dag(["workers", "--nats", nats, "--json"]);
    expect(stdout).toContain('"queues":["default","docker"]');
    up.kill("SIGINT");
    expect((await up.finished).code).toBe(130);
  });

  test("what the environment says of it, and cannot be used, ends a worker and a run", async () => {
    await using folder = await TestFolder.make();
    const file = await fileOf(folder, [{ id: "a", command: "true" }]);
    const env = { DOCKER_HOST: "tcp://host:2376", DOCKER_CERT_PATH: "/nowhere" };
    const why = "docker tasks cannot run: DOCKER_HOST or DOCKER_CERT_PATH cannot be used: ENOENT";
    const ran = await dag(["run", file, "--docker"], env);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(`dag: ${why}`) as string });
    await using worker = new Program("worker", ["--docker"], env);
    expect(await worker.finished).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`worker: ${why}`) as string,
    });
  });

  test("settings that cannot be used are told by their flags", async () => {
    await using folder = await TestFolder.make();
    const file = await fileOf(folder, [{ id: "a", command: "true" }]);
    for (const [flag, value] of [
      ["docker-image", "No"],
      ["allow-image", "a b"],
      ["allow-mount", "a/b"],
      ["max-memory", "5"],
    ]) {
      const ended = await dag(["run", file, `--${flag}`, value ?? ""]);
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(`^dag: --${flag}: `) as string });
    }
  });

  test("an executor is opened, knows it, and its tasks end for it", async () => {
    vi.stubEnv("DOCKER_HOST", NOWHERE.DOCKER_HOST);
    const gone: string[] = [];
    const executor = await openExecutor({ dockerImage: "x" }, { onGone: (why) => gone.push(why) });
    vi.unstubAllEnvs();
    expect(gone).toEqual([executor.whyNotReady]);
    const result = await perform(executor, "true", { options: { network: "other" } });
    executor.close();
    expect(result).toMatchObject({ error: { reason: "engine-gone", againAfterMs: 5_000 } });
  });
});

describe.runIf(TASK_IMAGE !== undefined)("an engine behind a door", () => {
  let door: EngineDoor;
  beforeEach(async () => {
    door = await EngineDoor.open();
    vi.stubEnv("DOCKER_HOST", door.address);
  });
  afterEach(async () => {
    await door[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
  });

  test.each([
    ["all", { Count: -1 }],
    [2, { Count: 2 }],
    [[0, "GPU-fef8089b-4820"], { DeviceIDs: ["0", "GPU-fef8089b-4820"] }],
  ])("is asked for GPUs (%j), and that it has none is told", async (gpus, request) => {
    const executor = await openExecutor();
    const call = callOf("true", { options: { gpus } });
    const result = await executor.execute(call, contextOf());
    executor.close();
    const [, body = ""] = /"DeviceRequests":(\[\{.*?\}\])/.exec(door.asked) ?? [];
    expect(JSON.parse(body)).toEqual([{ ...request, Capabilities: [["gpu"]] }]);
    expect(result).toMatchObject({
      ok: false,
      error: {
        reason: "spawn-failed",
        message: expect.stringMatching(
          /^gpus: the Docker engine has no driver for GPUs \(could not select device driver .*\); its host needs one, such as the NVIDIA Container Toolkit$/,
        ) as string,
      },
    });
    expect(await containersOf(call.runId)).toEqual([]);
  });

  test("is asked once for an image that cannot be had, and never for one that is not to be pulled", async () => {
    const executor = await openExecutor();
    const image = "127.0.0.1:1/none:1";
    const result = await perform(executor, "true", { options: { image } });
    expect(result).toMatchObject({ error: { reason: "image-missing" } });
    expect(door.asked.split("POST /images/create").length - 1).toBe(1);
    const never = await perform(executor, "true", { options: { image, pull: "never" } });
    expect(never).toMatchObject({ error: { reason: "image-missing" } });
    expect(door.asked.split("POST /containers/create").length - 1).toBe(2);
    executor.close();
  });

  test("while a task runs ends its attempt, and the container as soon as it is back", async () => {
    const [gone, news]: string[][] = [[], []];
    const executor = await openExecutor(
      {},
      { onGone: (why) => gone?.push(why), onNews: (what) => news?.push(what) },
    );
    const call = callOf("sleep 100");
    const ended = executor.execute(call, contextOf());
    await until(async () => {
      const [name] = await containersOf(call.runId);
      return (
        name !== undefined && (await docker("inspect", "--format", "{{.State.Running}}", name)) === "true"
      );
    });
    await door.shut();
    expect(await ended).toMatchObject({ ok: false, error: { reason: "engine-gone" } });
    expect(await containersOf(call.runId)).toHaveLength(1);
    await until(() => gone?.length === 1);
    expect(executor.whyNotReady).toContain("is not there");
    await door.open();
    await allGone(call.runId);
    await until(() => news?.includes("the Docker engine is there again"));
    expect(executor.whyNotReady).toBeUndefined();
    executor.close();
  });

  test("before a task begins is waited for", async () => {
    const executor = await openExecutor();
    door.turnAway();
    const ended = perform(executor, "echo hi");
    await until(() => door.turnedAway > 0);
    door.letIn();
    expect(await ended).toMatchObject({ ok: true, output: { stdout: "hi" } });
    executor.close();
  });

  test("is not waited for by a task that has to end", async () => {
    const executor = await openExecutor();
    await door.shut();
    const result = await executor.execute(callOf("true"), contextOf({ signal: AbortSignal.timeout(300) }));
    expect(result).toMatchObject({ error: { reason: "cancelled" } });
    executor.close();
  });
});

describe.runIf(TASK_IMAGE !== undefined)("a worker that is killed", () => {
  test("leaves containers that the next one on its host removes, and nobody else's", async () => {
    await using folder = await TestFolder.make();
    await using server = await TestServer.start();
    const file = await fileOf(folder, [{ id: "a", type: "docker", command: "sleep 1000" }]);
    const here = (runId: string): Program => new Program("dag", ["run", file, "--run-id", runId, ...IMAGE]);
    const runs = ["dead", "live"].map((name) => `${name}-${process.pid}`) as [string, string];
    await using dead = here(runs[0]);
    await using live = here(runs[1]);
    for (const run of runs) await containerOf(run);
    dead.kill("SIGKILL");
    await dead.finished;
    expect(await containersOf(runs[0])).toHaveLength(1);
    await using worker = new Program("worker", ["--nats", server.url, ...IMAGE]);
    await allGone(runs[0]);
    await worker.says("of a dead worker");
    expect(await containersOf(runs[1])).toHaveLength(1);
    live.kill("SIGINT");
    await live.finished;
    expect(await containersOf(runs[1])).toEqual([]);
  });
});

describe.runIf(TASK_IMAGE !== undefined)("leftovers", () => {
  const LABELS = { "jetdag.process": "1-1", "jetdag.sight": "elsewhere-1", "jetdag.keep": "false" };

  const container = async (name: string, labels: Record<string, string>): Promise<string> => {
    const flags = Object.entries({ ...LABELS, ...labels }).flatMap(([key, value]) => [
      "--label",
      `${key}=${value}`,
    ]);
    return docker("create", "--name", name, ...flags, TASK_IMAGE ?? "", "sh");
  };

  test("of workers out of our sight are removed long after their attempts have ended for sure", async () => {
    const old = `jetdag.old-${process.pid}`;
    const others = [`jetdag.new-${process.pid}`, `mine-${process.pid}`, `jetdag.none-${process.pid}`];
    await container(old, { "jetdag.until": String(Date.now() - 3_600_000) });
    await container(others[0] ?? "", { "jetdag.until": String(Date.now() - 60_000) });
    // Somebody has made an image of what a task left, and runs it.
    await container(others[1] ?? "", { "jetdag.until": "1" });
    await container(others[2] ?? "", {});
    try {
      const executor = await openExecutor();
      const names = async (): Promise<string[]> =>
        (await docker("ps", "--all", "--format", "{{.Names}}")).split("\n");
      await until(async () => !(await names()).includes(old), names);
      executor.close();
      expect(await names()).toEqual(expect.arrayContaining(others));
    } finally {
      await docker("rm", "--force", ...others);
    }
  });
});

describe.runIf(TASK_IMAGE !== undefined)("a cluster", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("runs docker tasks on the workers that have an engine, and says so where there are none", async () => {
    await using folder = await TestFolder.make();
    const file = await fileOf(folder, [
      { id: "a", command: "echo rows=3 >$JETDAG_OUTPUT_FILE" },
      { id: "b", type: "docker", command: 'echo "got $JETDAG_PARAM_a__rows"', depends_on: ["a"] },
    ]);
    await using _executor = new Program("executor", ["--nats", server.url]);
    await using plain = new Program("worker", ["--nats", server.url]);
    await plain.says('"queues":["default"]');
    const runId = `run-${process.pid}`;
    await using run = new Program("dag", ["run", file, "--nats", server.url, "--run-id", runId]);
    await run.says("queue 'docker' is waiting for a worker: start one with --docker");
    await using worker = new Program("worker", ["--nats", server.url, ...IMAGE]);
    await worker.says('"queues":["default","docker"]');
    expect((await run.finished).code).toBe(0);
    const { stdout } = await dag(["status", runId, "--nats", server.url, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ tasks: { b: { output: { stdout: "got 3" } } } });
  });

  test("keeps a worker whose engine is not there, says why, and tries its tasks again", async () => {
    await using folder = await TestFolder.make();
    const task = { id: "a", type: "docker", command: "echo hi", retries: 5, retry: { backoff: "none" } };
    const file = await fileOf(folder, [task, { id: "b", command: "echo other" }]);
    await using door = await EngineDoor.open();
    await door.shut();
    const args = ["--nats", server.url, "--namespace", "late"];
    await using _executor = new Program("executor", args);
    await using worker = new Program("worker", [...args, ...IMAGE, "--log-level", "debug"], {
      DOCKER_HOST: door.address,
    });
    await worker.says("docker tasks cannot run");
    await worker.says("worker started");
    await using run = new Program("dag", ["run", file, ...args, "--json"]);
    await worker.says("engine-gone");
    await door.open();
    const { code, stdout } = await run.finished;
    expect(JSON.parse(stdout)).toMatchObject({
      tasks: { a: { output: { stdout: "hi" } }, b: { attempts: 1, output: { stdout: "other" } } },
    });
    expect(code).toBe(0);
  });
});
