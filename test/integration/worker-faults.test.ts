import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { Program } from "../support/programs.ts";

test("an error that nobody can catch: the worker tells it, lets what runs end, and leaves the rest to others", async () => {
  await using server = await TestServer.start();
  await using folder = await TestFolder.make();
  const functions = await folder.write(
    "functions.mjs",
    `import { existsSync } from "node:fs";
    import { setTimeout as pause } from "node:timers/promises";
    export function late() {
      setTimeout(() => { throw new Error("too late"); }, 1);
      setTimeout(() => void Promise.reject(new Error("later still")), 2);
    }
    export async function slow({ file }) {
      while (!existsSync(file)) await pause(10);
    }`,
  );
  const mark = `${folder.path}/mark`;
  const file = await folder.write(
    "faults.yaml",
    `name: faults
tasks:
  - { id: slow, type: function, params: { file: ${mark} } }
  - { id: late, type: function }
  - { id: rest, type: function, command: echo, depends_on: [slow, late] }
`,
  );
  const flags = ["--nats", server.url, "--functions", functions];
  await using first = new Program("worker", [...flags, "--id", "first"]);
  await first.says("worker started");
  await using run = new Program("dag", ["run", file, "--nats", server.url, "--json"]);
  await first.says("later still");
  await first.says("draining");
  await using second = new Program("worker", [...flags, "--id", "second"]);
  await second.says("worker started");
  await folder.write("mark", "");
  expect((await first.finished).code).toBe(1);
  const errors = first.stdout
    .split("\n")
    .filter((line) => line.includes("outside of any task's call"))
    .map((line) => JSON.parse(line) as { error: string; running: string[] });
  expect(errors.map(({ error }) => error)).toEqual([
    expect.stringMatching(/^Error: too late\n {4}at .*functions\.mjs/),
    expect.stringMatching(/^Error: later still\n {4}at .*functions\.mjs/),
  ]);
  expect(errors[1]?.running).toEqual([expect.stringContaining("slow")]);
  const { code, stdout } = await run.finished;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: {
      slow: { attempts: 1, worker: "first" },
      late: { attempts: 1, worker: "first" },
      rest: { attempts: 1, worker: "second" },
    },
  });
});
