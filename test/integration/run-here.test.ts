import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { dag } from "../support/programs.ts";

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
    expect({ code, stderr }).toEqual({ code: 0, stderr: "while it loads\nby console\nby stdout\n" });
    expect(JSON.parse(stdout)).toMatchObject({ tasks: { noisy: { output: { result: 1 } } } });
  });

  test("else it goes to stdout", async () => {
    const { stdout } = await dag(await functionRun("noisy", source));
    expect(stdout).toContain("by console\nby stdout\n");
  });
});
