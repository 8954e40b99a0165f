/** Bash tasks from the command line: the example of docs/task-types.md, and what a worker lets them do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { newNamespace } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";

const EXAMPLE = new URL("../../examples/task-types/bash.yaml", import.meta.url).pathname;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Told {
  readonly tasks: Record<string, { state: string; output?: { stdout: string } }>;
}

test("the example does what it says", async () => {
  const { code, stdout } = await dag(["run", EXAMPLE, "--json"]);
  expect({ code, stdout: code === 0 ? "" : stdout }).toEqual({ code: 0, stdout: "" });
  const { tasks } = JSON.parse(stdout) as Told;
  expect(tasks).toMatchObject({
    count: { output: { day: "2026-01-31", stderr: expect.stringMatching(/^2026-01-31: \d+ files$/) } },
    check: { state: "completed", output: { checked: expect.stringMatching(/^\d+$/) } },
    sorted: { output: { stdout: "2" } },
  });
});

describe("a worker", () => {
  async function outputWith(worker: readonly string[], command: string): Promise<string> {
    await using folder = await TestFolder.make();
    const cluster = ["--nats", server.url, "--namespace", newNamespace()];
    await using executor = new Program("executor", cluster);
    await using running = new Program("worker", [...cluster, ...worker], {
      MINE: "1",
      MINER: "2",
      LC_ALL: "C",
    });
    await Promise.all([executor.says("lease taken"), running.says("worker started")]);
    const file = await folder.write("dag.json", JSON.stringify({ name: "x", tasks: [{ id: "a", command }] }));
    const { stdout } = await dag(["run", file, "--json", ...cluster]);
    return (JSON.parse(stdout) as Told).tasks.a?.output?.stdout ?? stdout;
  }

  test("lets its tasks see the variables that it may show, and no others", async () => {
    const command = "env | cut -d= -f1 | grep -v ^JETDAG_ | sort | xargs";
    expect(await outputWith(["--allow-env", "PATH,MINE,LC_*"], command)).toBe("LC_ALL MINE PATH PWD SHLVL _");
    expect(await outputWith([], command)).toContain("MINE MINER");
  });

  test.skipIf(process.getuid?.() !== 0)("runs them as who it is told", async () => {
    expect(await outputWith(["--run-as", "54321:54322"], "echo $(id -u):$(id -g)")).toBe("54321:54322");
  });

  test.each([
    [["--run-as", "no-such-user"], /--run-as no-such-user: (there is no such user|only root can)/],
    [["--run-as", "a b"], /--run-as: 'a b' is not allowed: the name of a user, UID, or UID:GID/],
    [
      ["--allow-env", "A*B"],
      /--allow-env: 'A\*B' is not allowed: names of variables; a \* only at the end of one/,
    ],
    [["--allow-env", "A,,B"], /--allow-env: 'A,,B' is not allowed/],
  ])("that cannot do what it is told says so, and ends: %j", async (flags, message) => {
    await using worker = new Program("worker", flags);
    expect(await worker.finished).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});
