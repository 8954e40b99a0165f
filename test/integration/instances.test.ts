/** Tasks with many instances on the command line, in one process and on a real cluster, as a person reads them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let folder: TestFolder;
let file: string;
let functions: string;
const programs: Program[] = [];

const COUNT = 500;

beforeAll(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  functions = await folder.write(
    "functions.mjs",
    `import { artifacts } from ${JSON.stringify(new URL("../../dist/cmd/library/functions.js", import.meta.url).href)};
import { existsSync } from "node:fs";
export function list({ count }) {
  const one = (_, i) => ({ name: "page-" + i, metadata: { number: i, is_big: i % 50 === 0 } });
  return artifacts(Array.from({ length: count }, one));
}
export function fetch({ number, mended }) {
  if (number % 100 === 42 && !existsSync(mended)) throw new Error("page " + number + " is torn");
  return artifacts([{ metadata: { number } }]);
}
export const count = ({ artifacts: all }) => ({ got: all.length });
`,
  );
  file = await folder.write(
    "pages.yaml",
    `name: pages
params: { count: ${COUNT}, mended: ${folder.path}/mended }
tasks:
  - { id: list, type: function }
  - { id: fetch, type: function, depends_on: [list], fan_mode: single }
  - { id: pack, type: function, command: count, depends_on: [fetch], fan_mode: aggregate }
  - { id: big, type: gate, depends_on: [list] }
  - id: group
    depends_on: [big]
    fan_mode: grouped
    edge_filters: { big: { rules: [{ field: is_big, op: eq, value: "true" }] } }
    command: echo "$JETDAG_INDEX"
  - id: huge
    depends_on: [list]
    fan_mode: single
    edge_filters: { list: { rules: [{ field: is_huge, op: exists, value: "" }] } }
    command: "true"
`,
  );
  const at = ["--nats", server.url];
  programs.push(
    new Program("executor", at),
    new Program("worker", [...at, "--id", "w", "--workers", "4", "--functions", functions]),
  );
  await until(async () => (await on("workers")).stdout.includes("live"));
});
afterAll(async () => {
  for (const program of programs) await program[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function on(...args: string[]): Promise<Finished> {
  return dag(args, { NATS_URL: server.url });
}

const FAILED = [42, 142, 242, 342, 442];
/** Without times, tries and workers. */
const table = (text: string): string[] => {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => line.startsWith("TASK "));
  return lines.slice(from + 1, from + 7).map((line) => line.replace(/ {2,}\d+ {2,}.*$/, "").trimEnd());
};
const ENDED = [
  "list   completed",
  "fetch  failed           495/500, 5 failed",
  "pack   upstream_failed",
  "big    completed",
  "group  completed        10/10",
  "huge   filtered",
];

test("in this process: every tenth, what failed, and what it comes to", async () => {
  const { code, stdout } = await dag(["run", file, "--functions", functions, "--workers", "4"]);
  expect(code).toBe(1);
  const lines = stdout.split("\n").map((line) => line.replace(/^\[.*?s\] /, ""));
  expect(lines).toContain("fetch: 500 instances");
  expect(lines.filter((line) => line.startsWith("fetch: ") && line.includes("/500"))).toHaveLength(10);
  expect(
    lines.filter((line) => /^fetch\[\d+\] failed after/.test(line)).map((line) => line.split(" ")[0]),
  ).toEqual(FAILED.map((i) => `fetch[${i}]`));
  expect(table(stdout)).toEqual(ENDED);
  expect(stdout).toContain("\n✗ fetch[42] (page-42): Task 'fetch[42]' failed after 1 attempt: ");
  expect(stdout).toContain(
    "\nTasks Succeeded: 3\nTasks Failed: 1\nTasks Filtered: 1\nTasks Upstream Failed: 1\n",
  );
  expect(stdout).toContain("\nInstances Succeeded: 505/510, 5 failed (of 2 tasks)\n");
});

describe("on a cluster", () => {
  beforeAll(async () => {
    await on("run", file, "--run-id", "pages", "--detach");
    await on("wait", "pages");
  });

  test("dag status counts the instances, and names those that failed", async () => {
    const { stdout } = await on("status", "pages");
    expect(table(stdout)).toEqual(ENDED);
    expect(stdout.match(/^ {2}Task 'fetch\[\d+\]' failed .*page \d+ is torn$/gm)).toHaveLength(5);
  });

  test("dag status --json has all of them, and what they have handed over", async () => {
    const { tasks } = JSON.parse((await on("status", "pages", "--json")).stdout) as {
      tasks: Record<string, { artifacts?: object[]; instances?: object[] }>;
    };
    expect(tasks.list?.artifacts).toHaveLength(COUNT);
    expect(tasks.list?.artifacts?.[3]).toMatchObject({ file_name: "page-3", metadata: { number: 3 } });
    expect(tasks.fetch?.instances).toHaveLength(COUNT);
    expect(tasks.fetch?.instances?.[499]).toMatchObject({
      index: 499,
      artifacts: [{ metadata: { number: 499 } }],
    });
  });

  test("dag explain tells of the run, of a task, and of an instance", async () => {
    const whole = (await on("explain", "pages")).stdout;
    expect(whole).toContain(
      "\n  6 tasks: 3 completed, 1 failed, 1 filtered, 1 upstream_failed\n    fetch: 495/500, 5 failed\n    group: 10/10\n",
    );
    const task = (await on("explain", "pages", "fetch")).stdout;
    expect(task.match(/^fetch\[\d+\]/gm)?.slice(0, 5)).toEqual(FAILED.map((i) => `fetch[${i}]`));
    expect(task).toContain("\n… and 480 more: 480 completed\n");
    const one = (await on("explain", "pages", "fetch[42]")).stdout;
    expect(one).toMatch(/^task 'fetch\[42\]' .*: failed\n {2}runs for page-42, which list has handed over\n/);
    expect(one).toMatch(/^1 +w .*function-error: .*page 42 is torn/m);
    expect(await on("explain", "pages", "fetch[500]")).toMatchObject({ code: 2, stdout: "" });
  });

  test("dag logs prints those of all instances by name, and those of one as they were", async () => {
    const all = (await on("logs", "pages", "group")).stdout.trim().split("\n");
    expect(all.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `group[${i}] | ${i}`).toSorted());
    expect((await on("logs", "pages", "group[7]")).stdout).toBe("7\n");
    expect(await on("logs", "pages", "group[10]")).toMatchObject({ code: 2, stdout: "" });
  });

  test("dag retry keeps what has completed, with what it has handed over", async () => {
    await folder.write("mended", "");
    const { code, stdout } = await on("retry", "pages");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^runs again: fetch \(5 instances\), pack\n/);
    expect(stdout).toContain("fetch: 500 instances, 495 of them completed before\n");
    expect(stdout).toContain('\nOutput of pack:\n  {\n    "got": 500\n  }\n');
    const { tasks } = JSON.parse((await on("status", "pages", "--json")).stdout) as {
      tasks: Record<string, { attempts: number; instances: { attempts: number }[] }>;
    };
    const again = tasks.fetch?.instances.flatMap(({ attempts }, i) => (attempts === 2 ? i : []));
    expect(again).toEqual(FAILED);
    expect(tasks.list?.attempts).toBe(1);
    expect((await on("explain", "pages", "fetch[42]")).stdout).toMatch(/^2 +w .*completed$/m);
  });
});

test("while it goes on, what runs and what waits is told by task, and told of one", async () => {
  const held = await folder.write(
    "held.yaml",
    `name: held
params: { count: 300 }
tasks:
  - { id: list, type: function }
  - id: hold
    depends_on: [list]
    fan_mode: single
    command: 'while [ -d ${folder.path} ] && [ ! -e ${folder.path}/go ]; do sleep 0.05; done'
  - { id: last, depends_on: [hold], command: "true" }
`,
  );
  await on("run", held, "--run-id", "held", "--detach");
  let last = "";
  await until(
    async () => {
      last = (await on("status", "held")).stdout;
      return /^hold +running +0\/300, 4 running/m.test(last);
    },
    () => last,
  );
  const whole = (await on("explain", "held")).stdout;
  expect(whole).toMatch(/^ {2}4 running:\n {4}hold\[0\] on w for /m);
  expect(whole).toMatch(/^ {2}\d+ waiting in queue 'default' for a free worker .*: hold \(\d+ instances\)$/m);
  expect(whole).toMatch(/^ {4}last hold \(0\/300, 4 running, \d+ queued\)$/m);
  const task = (await on("explain", "held", "hold")).stdout;
  expect(task).toMatch(/^hold\[0\] +page-0 +running +1 +running on w for /m);
  expect(task).toMatch(/^… and 280 more: (?:\d+ queued, )?\d+ pending$/m);
  expect((await on("explain", "held", "hold[299]")).stdout).toContain("runs for page-299");
  await folder.write("go", "");
  await on("cancel", "held");
});
