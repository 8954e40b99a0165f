import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { Program } from "../support/programs.ts";

test("an error that nobody has caught: the worker tells it, lets what runs end, and leaves the rest to others", async () => {
  await using server = await TestServer.start();
  await using folder = await TestFolder.make();
  const fault = `${folder.path}/fault`;
  const faulty = await folder.write(
    "faulty.mjs",
    `import { existsSync } from "node:fs";
    import { isMainThread } from "node:worker_threads";
    function throwTwice() {
      setTimeout(() => { throw new Error("later still"); }, 1);
      throw new Error("too late");
    }
    const look = () => (existsSync(${JSON.stringify(fault)}) ? throwTwice() : setTimeout(look, 10));
    if (isMainThread) look();`,
  );
  const mark = `${folder.path}/mark`;
  const file = await folder.write(
    "faults.yaml",
    `name: faults
tasks:
  - { id: slow, command: "touch ${fault}; while [ ! -e ${mark} ]; do sleep 0.02; done" }
  - { id: rest, type: function, command: echo, depends_on: [slow] }
`,
  );
  const flags = ["--nats", server.url];
  await using first = new Program("worker", [...flags, "--id", "first"], {
    NODE_OPTIONS: `--import ${faulty}`,
  });
  await first.says("worker started");
  await using run = new Program("dag", ["run", file, ...flags, "--json"]);
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
    expect.stringMatching(/^Error: too late\n {4}at .*faulty\.mjs/),
    expect.stringMatching(/^Error: later still\n {4}at .*faulty\.mjs/),
  ]);
  expect(errors[1]?.running).toEqual([expect.stringContaining("slow")]);
  const { code, stdout } = await run.finished;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: { slow: { attempts: 1, worker: "first" }, rest: { attempts: 1, worker: "second" } },
  });
});
