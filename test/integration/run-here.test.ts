import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const DAG = new URL("../../dist/cmd/dag/main.js", import.meta.url).pathname;

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** Writes a DAG of one task that is a function, and its module; gives what `dag run` takes. */
async function functionRun(name: string, source: string): Promise<string[]> {
  const functions = await folder.write(`${name}.mjs`, source);
  const file = await folder.write(
    `${name}.yaml`,
    `name: ${name}\ntasks: [{ id: ${name}, type: function, timeout: 30s }]\n`,
  );
  return ["run", file, "--functions", functions];
}

describe("functions that print", () => {
  const source = `
    console.log("while it loads");
    export function noisy() {
      console.log("by console");
      process.stdout.write("by stdout\\n");
      return 1;
    }`;

  test("with --json stdout carries JSON alone; what they print goes to stderr", async () => {
    const { code, stdout, stderr } = await dag([...(await functionRun("noisy", source)), "--json"]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "while it loads\nnoisy: by console\nnoisy: by stdout\n",
    });
    expect(JSON.parse(stdout)).toMatchObject({ tasks: { noisy: { output: { result: 1 } } } });
  });

  test("else it stands among the lines of the run", async () => {
    const { stdout } = await dag(await functionRun("noisy", source));
    expect(stdout).toMatch(/^\[ +\d+\.\d\ds\] noisy: by console\n\[ +\d+\.\d\ds\] noisy: by stdout\n/m);
  });
});

describe.skipIf(!existsSync("/dev/full"))("a full disk", () => {
  test.each([
    ["with --json", ["--json"]],
    ["for a person", []],
  ])("is no success (%s)", async (_name, flags) => {
    const file = await folder.write("full.yaml", "name: full\ntasks: [{ id: a, command: echo done }]\n");
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [DAG, "run", file, ...flags], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
      timeout: 60_000,
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^dag: stdout cannot be written: ENOSPC.*\n$/) as string,
    });
  });
});

describe("a function that its thread does not survive fails, and nothing else does", () => {
  test.each([
    ["an error in a timer", "setTimeout(() => { throw new Error('too late'); }, 1);", "Error: too late"],
    ["an error in a promise", "void Promise.reject(new Error('too late'));", "Error: too late"],
    ["process.exit", "process.exit(0);", "ended its thread by process.exit(0)"],
    ["no end", "for (;;);", "time limit of 0.5 s reached"],
    ["no end of memory", "for (const all = []; ; ) all.push({ all });", "used more than the 32 MiB"],
  ])("%s", async (name, fault, message) => {
    const source = `
      export async function bad() {
        ${fault}
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      }
      export const good = () => "well";`;
    const functions = await folder.write("bad.mjs", source);
    const limit = name === "no end" ? "500ms" : "60s";
    const file = await folder.write(
      "bad.yaml",
      `name: bad
defaults: { type: function }
tasks:
  - { id: bad, timeout: ${limit} }
  - { id: good }
`,
    );
    const flags = ["--functions", functions, "--function-memory", "32", "--grace", "200ms", "--json"];
    const { code, stdout } = await dag(["run", file, ...flags]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      tasks: {
        bad: { state: "failed", error: { message: expect.stringContaining(message) as string } },
        good: { state: "completed" },
      },
    });
  });
});

test("Ctrl-C ends a function that never lets go", async () => {
  const mark = `${folder.path}/busy`;
  const source = `import { writeFileSync } from "node:fs";
    export function busy() { writeFileSync(${JSON.stringify(mark)}, ""); for (;;); }`;
  await using program = new Program("dag", [...(await functionRun("busy", source)), "--grace", "200ms"]);
  await until(() => existsSync(mark));
  program.kill("SIGINT");
  expect((await program.finished).code).toBe(130);
  expect(program.stdout).toContain("DAG EXECUTION CANCELLED");
});

test("Ctrl-C on a task that does not end by itself: it says what it waits for, and a second one leaves", async () => {
  const mark = `${folder.path}/trapped`;
  const file = await folder.write(
    "stubborn.yaml",
    `name: stubborn\ntasks: [{ id: a, command: "trap '' TERM; touch ${mark}; while :; do sleep 0.1; done" }]\n`,
  );
  await using program = new Program("dag", ["run", file, "--grace", "1h"]);
  await until(() => existsSync(mark));
  program.kill("SIGINT");
  await program.says("waiting for 1 task to end (Ctrl-C leaves at once)");
  expect(program.stdout).toContain("DAG EXECUTION CANCELLED");
  program.kill("SIGINT");
  expect((await program.finished).code).toBe(130);
});

describe("what a function logs", () => {
  const source = `export function load(_params, { log }) {
    log("42 rows");
    log("two\\nlines \\u001B[2J");
  }`;

  test("stands among the lines of the run", async () => {
    const { stdout } = await dag(await functionRun("load", source));
    expect(stdout).toMatch(
      /^\[.*\] load started on local-1\n\[ +\d+\.\d\ds\] load: 42 rows\n\[.*\] load: two\n\[.*\] load: lines\n/m,
    );
  });

  test("and so does where an error came from, without our own frames", async () => {
    const throwing = `async function inner() {
      await null;
      throw new Error("no rows");
    }
    export async function load() {
      await inner();
    }`;
    const { stdout } = await dag(await functionRun("load", throwing));
    const told = stdout.split("\n").filter((line) => line.includes("] load: "));
    expect(told).toEqual([
      expect.stringMatching(/load: Error: no rows$/),
      expect.stringMatching(/load: {5}at inner \(.*load\.mjs:3:13\)$/),
      expect.stringMatching(/load: {5}at async load \(.*load\.mjs:6:7\)$/),
    ]);
  });

  test("goes to stderr with --json", async () => {
    const { stdout, stderr } = await dag([...(await functionRun("load", source)), "--json"]);
    expect(stderr).toBe("load: 42 rows\nload: two\nload: lines\n");
    expect(JSON.parse(stdout)).toMatchObject({ state: "completed" });
  });
});
