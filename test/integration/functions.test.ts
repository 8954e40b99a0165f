/** Functions of a module, on a worker as it is started: what they say of their errors comes through to whoever asks. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const FUNCTIONS = new URL("../../dist/cmd/library/functions.js", import.meta.url).href;
const ZOD = import.meta.resolve("zod");
const SOURCE = `
import { defineFunction, NonRetryable, SkipTask } from "${FUNCTIONS}";
import { z } from "${ZOD}";
export const checked = defineFunction({ name: "checked", params: z.object({ rows: z.int() }), handler: ({ rows }) => rows + 1 });
export const final = () => { throw new NonRetryable("no such customer", { cause: new RangeError("id 7") }); };
export const skips = () => { throw new SkipTask("no new rows"); };
export const small = defineFunction({ name: "small", memoryMb: 24, handler: () => { const all = []; for (;;) all.push({ n: Math.random() }); } });
export function prints({ token }, { log, progress }) {
  console.log("token is " + token);
  console.error("on stderr");
  log("logged " + token);
  progress(0.5, "half");
  throw new Error("bad " + token);
}
`;

let server: TestServer;
let folder: TestFolder;
let programs: Program[];
beforeAll(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  const module = await folder.write("functions.mjs", SOURCE);
  programs = [
    new Program("executor", ["--nats", server.url]),
    new Program("worker", ["--nats", server.url, "--id", "w", "--functions", module], {
      JETDAG_SECRET_TOKEN: "s3cr3t-t0k3n",
    }),
  ];
  await until(
    async () => (await on("workers")).stdout.includes("live"),
    () => programs.map(({ stderr, stdout }) => stdout + stderr),
  );
});
afterAll(async () => {
  for (const program of programs) await program[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function on(...args: string[]): Promise<Finished> {
  return dag(args, { NATS_URL: server.url });
}

interface Task {
  readonly state: string;
  readonly attempts: number;
  readonly output: object | null;
  readonly error: object | null;
}

async function run(name: string, tasks: readonly object[]): Promise<Record<string, Task>> {
  const file = await folder.write(`${name}.json`, JSON.stringify({ name, tasks }));
  const { stdout } = await on("run", file, "--run-id", name, "--json");
  return (JSON.parse(stdout) as { tasks: Record<string, Task> }).tasks;
}

describe("functions on a worker", () => {
  test("are told what is wrong with their params, and say how they end", async () => {
    const tasks = await run("ends", [
      { id: "good", type: "function", command: "checked", params: { rows: 4 } },
      { id: "wrong", type: "function", command: "checked", params: { rows: "many" }, retries: 3 },
      { id: "final", type: "function", retries: 3 },
      { id: "skips", type: "function" },
      { id: "below", type: "function", command: "checked", depends_on: ["skips"] },
      { id: "small", type: "function" },
    ]);
    expect(tasks).toMatchObject({
      good: { state: "completed", output: { result: 5 } },
      wrong: { state: "failed", attempts: 1, error: { reason: "bad-input" } },
      final: {
        state: "failed",
        attempts: 1,
        error: { reason: "function-error" },
        output: { error: { name: "NonRetryable", cause: { name: "RangeError", message: "id 7" } } },
      },
      skips: { state: "skipped", skipped: "no new rows" },
      below: { state: "skipped", attempts: 0 },
      small: { state: "failed", error: { reason: "out-of-memory" } },
    });
    expect(JSON.stringify(tasks.wrong?.error)).toContain(
      "params.rows: Invalid input: expected number, received string",
    );
    expect((await on("explain", "ends", "below")).stdout).toContain(
      "not started, since these were skipped: skips",
    );
    expect((await on("status", "ends")).stdout).toContain("Task 'skips' skipped: no new rows");
  });

  test("print into the log of their attempt, by stream, and no secret shows itself anywhere", async () => {
    const tasks = await run("prints", [
      { id: "prints", type: "function", params: { token: "secret://TOKEN" } },
    ]);
    expect(tasks.prints).toMatchObject({
      state: "failed",
      output: { error: { name: "Error", stack: expect.stringContaining("functions.mjs") as string } },
    });
    const lines = await until(async () => {
      const { stdout } = await on("logs", "prints", "prints", "--json");
      const all = stdout.split("\n").filter((line) => line !== "");
      return all.length >= 5 && all.map((line) => JSON.parse(line) as { stream: string; text: string });
    });
    expect(
      lines.slice(0, 4).map(({ stream, text }) => [stream, text.replace(/token is .*/, "token is …")]),
    ).toEqual([
      ["stdout", "token is …"],
      ["stderr", "on stderr"],
      ["log", expect.stringContaining("logged ") as string],
      ["log", "progress 50 %: half"],
    ]);
    const told = [JSON.stringify(tasks), JSON.stringify(lines), ...programs.map(({ stdout }) => stdout)];
    for (const text of told) expect(text).not.toContain("s3cr3t-t0k3n");
  });

  test.each([
    [
      "has two functions of one name",
      `import { defineFunction } from "${FUNCTIONS}";
       export const x = () => 1; export const y = defineFunction({ name: "x", handler: x });`,
      "two of its exports, x and y, are functions named 'x': rename one",
    ],
    [
      "has a wrong description",
      `import { defineFunction } from "${FUNCTIONS}"; export const x = defineFunction({ name: "x" });`,
      "it cannot be loaded: defineFunction: handler: must be a function (of 'x')",
    ],
    ["is broken", "export const = 1", "it cannot be loaded: "],
    ["exports nothing", "", "it exports no function by name"],
  ])("a module that %s ends it at its start", async (_name, text, message) => {
    const file = await folder.write("other.mjs", text);
    await using worker = new Program("worker", ["--nats", server.url, "--functions", file]);
    expect(await worker.finished).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`functions file '${file}': ${message}`) as string,
    });
  });
});
