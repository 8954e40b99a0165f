/**
 * The image and the compose file, for real: built, started, used and stopped. Needs a Docker engine with compose and
 * an image to build on, named by TEST_BASE_IMAGE; .ci/setup makes one.
 */
import { execFile } from "node:child_process";
import { copyFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { serverBinary } from "../support/nats-server.ts";
import { dag } from "../support/programs.ts";
import { until } from "../support/until.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BASE = process.env.TEST_BASE_IMAGE;
const PROJECT = `jetdag-test-${process.pid}`;
const IMAGES = { DAG_IMAGE: `${PROJECT}/jetdag`, NATS_IMAGE: `${PROJECT}/nats` };

const ORPHAN = `
name: orphan
tasks:
  - { id: who, type: bash, command: id --user; pwd; setsid sleep 0.1 & exit 0 }
`;

const SLOW = `
name: slow
tasks:
  - { id: slow, type: bash, command: sleep 3; echo drained }
`;

/** Resolves with what it printed; rejects with all that it said. */
function docker(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile("docker", args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`docker ${args.join(" ")}:\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`));
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The server that the product found, with the one program that the health check needs. */
async function buildNatsImage(): Promise<void> {
  await using folder = await TestFolder.make();
  await copyFile(await serverBinary(), join(folder.path, "nats-server"));
  await copyFile("/bin/busybox", join(folder.path, "wget"));
  const lines = [`FROM ${BASE}`, "COPY nats-server wget /usr/local/bin/", 'ENTRYPOINT ["nats-server"]'];
  await writeFile(join(folder.path, "Dockerfile"), lines.join("\n"));
  await docker(["build", "--quiet", "--tag", IMAGES.NATS_IMAGE, folder.path]);
}

async function buildImage(): Promise<void> {
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => ["--build-arg", name]);
  const args = ["--network", "host", "--build-arg", `BASE_IMAGE=${BASE}`, ...proxies];
  await docker(["build", ...args, "--file", "deploy/Dockerfile", "--tag", IMAGES.DAG_IMAGE, "."]);
}

describe.runIf(BASE !== undefined)("the image and the compose file", () => {
  let env: Record<string, string>;
  let nats: string;
  const compose = (...args: string[]): Promise<string> =>
    docker(["compose", "--project-name", PROJECT, ...args], env);
  const containers = async (service: string): Promise<string[]> =>
    (await compose("ps", "--all", "--quiet", service)).split("\n");

  beforeAll(async () => {
    const port = await freePort();
    env = { ...IMAGES, NATS_PORT: String(port), WORKERS: "2", WORKER_SLOTS: "3" };
    nats = `nats://127.0.0.1:${port}`;
    await buildNatsImage();
    await buildImage();
    await compose("up", "--detach", "--no-build");
  }, 300_000);

  afterAll(async () => {
    await compose("down", "--volumes", "--timeout", "5");
    await docker(["image", "rm", "--force", ...Object.values(IMAGES)]);
  }, 60_000);

  test("the cluster has the workers that were asked for", async () => {
    const workers = await until(
      async () => {
        const { stdout } = await dag(["workers", "--nats", nats, "--json"]);
        const lines = stdout.split("\n").filter((line) => line !== "");
        return lines.length === 2 && lines.map((line) => JSON.parse(line) as { slots: number });
      },
      () => compose("logs"),
      60_000,
    );
    expect(workers.map(({ slots }) => slots)).toEqual([3, 3]);
  });

  test("the services answer that they are ready", async () => {
    const all = [...(await containers("executor")), ...(await containers("worker"))];
    const states = (): Promise<string[]> =>
      Promise.all(all.map((id) => docker(["inspect", "--format", "{{.State.Health.Status}}", id])));
    const settled = async (): Promise<string[] | false> => {
      const found = await states();
      return !found.includes("starting") && found;
    };
    expect(await until(settled, states, 60_000)).toEqual(["healthy", "healthy", "healthy"]);
  });

  const runOf = async (definition: string): Promise<{ code: number | null; result: unknown }> => {
    await using folder = await TestFolder.make();
    const file = await folder.write("dag.yaml", definition);
    const { code, stdout, stderr } = await dag(["run", file, "--nats", nats, "--json"]);
    if (stdout === "") throw new Error(stderr);
    return { code, result: JSON.parse(stdout) as unknown };
  };
  const processes = (id: string, what: "stat" | "cmdline"): Promise<string> =>
    docker(["exec", id, "sh", "-c", `cat /proc/[0-9]*/${what} 2>/dev/null | tr '\\0' ' '`]);

  test("tasks run as a user of their own, and what they leave behind is reaped", async () => {
    const { code, result } = await runOf(ORPHAN);
    const stdout = expect.stringMatching(/^10001\n\/tmp\/jetdag-\S+\/\d+$/) as string;
    expect(result).toMatchObject({ tasks: { who: { output: { stdout } } } });
    expect(code).toBe(0);
    const all = await containers("worker");
    const states = (): Promise<string[]> => Promise.all(all.map((id) => processes(id, "stat")));
    await until(async () => !(await states()).join("").includes("(sleep)"), states);
  });

  test("a worker that is stopped brings its task to an end first", async () => {
    const run = runOf(SLOW);
    const all = await containers("worker");
    const lines = (): Promise<string[]> => Promise.all(all.map((id) => processes(id, "cmdline")));
    const busy = await until(async () => {
      const at = (await lines()).findIndex((line) => line.includes("sleep 3"));
      return all[at];
    }, lines);
    await docker(["stop", "--time", "45", busy]);
    expect(await docker(["inspect", "--format", "{{.State.ExitCode}}", busy])).toBe("0");
    const { code, result } = await run;
    expect(result).toMatchObject({ tasks: { slow: { attempts: 1, output: { stdout: "drained" } } } });
    expect(code).toBe(0);
  });

  test("the programs of the image are on its PATH, and the worker is its entry point", async () => {
    const run = (...args: string[]): Promise<string> => docker(["run", "--rm", ...args]);
    const version = await run(IMAGES.DAG_IMAGE, "--version");
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const program of ["dag", "executor", "worker"]) {
      expect(await run("--entrypoint", program, IMAGES.DAG_IMAGE, "--version")).toBe(version);
    }
  });

  test("everything ends in order when the cluster is stopped", async () => {
    await compose("stop");
    const all = [...(await containers("executor")), ...(await containers("worker"))];
    expect(all).toHaveLength(3);
    for (const id of all) {
      const code = await docker(["inspect", "--format", "{{.State.ExitCode}}", id]);
      expect(code, await docker(["logs", id])).toBe("0");
    }
  });
});
