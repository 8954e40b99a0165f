/** `dag new`, `dag schema`, and the examples of docs/dag-file.md: what a new user meets first. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { dag, type Finished } from "../support/programs.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = `${ROOT}examples/dag-file/`;

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** `dag` in the folder. */
function dagHere(...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [`${ROOT}dist/cmd/dag/main.js`, ...args],
      { cwd: folder.path },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

const textOf = (file: string): Promise<string> => readFile(`${folder.path}/${file}`, "utf8");

describe("dag new", () => {
  test("writes a file that is valid, and that completes as it is", async () => {
    const made = await dagHere("new", "etl");
    expect([made.code, made.stderr]).toEqual([0, ""]);
    expect(made.stdout).toBe(`etl.yaml is written: a DAG that works as it is.

What to try next:
  dag validate etl.yaml  checks it: every problem, with its line
  dag run etl.yaml       runs it in this process, without a server
`);
    expect(await textOf("etl.yaml")).not.toContain("starter");
    const checked = await dagHere("validate", "etl.yaml");
    expect(checked).toEqual({ code: 0, stdout: "etl.yaml: DAG 'etl' is valid (3 tasks)\n", stderr: "" });
    const ran = await dagHere("run", "etl.yaml", "--param", "who=Ada");
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain("DAG EXECUTION COMPLETE\nDAG: etl\n");
    expect(ran.stdout).toContain("Hello, Ada: 3 letters, counted on ");
  });

  test("leaves a file that is there as it is", async () => {
    await folder.write("mine.yaml", "mine");
    expect(await dagHere("new", "mine")).toEqual({
      code: 2,
      stdout: "",
      stderr: "dag: mine.yaml is there already and was left as it is: take another name, or move it away\n",
    });
    expect(await textOf("mine.yaml")).toBe("mine");
  });

  test.each(["123", "true", "null", "1e3", "_", "a-b_C9", "starter"])(
    "%s: a name stays text",
    async (name) => {
      const made = await dagHere("new", name, "--json");
      expect([made.code, made.stdout]).toEqual([
        0,
        `${JSON.stringify({ dag: name, file: `${name}.yaml` })}\n`,
      ]);
      const { stdout } = await dagHere("validate", `${name}.yaml`, "--json");
      expect(JSON.parse(stdout)).toMatchObject({ valid: true, dag: name });
    },
  );

  test.each([
    ["a/b", ""],
    ["../up", ""],
    ["a b", ""],
    ["", ""],
    ["ä", ""],
    ["x".repeat(129), ""],
    ["etl2.yaml", "; try 'dag new etl2'"],
  ])("%s cannot be a name", async (name, hint) => {
    const before = await readdir(folder.path);
    const { code, stdout, stderr } = await dagHere("new", name);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      `dag: '${name}' cannot name a DAG and its file: it must be 1 to 128 of A-Z a-z 0-9 _ -, and not begin with -${hint}\n`,
    );
    expect(await readdir(folder.path)).toEqual(before);
  });

  test("one that begins with a dash", async () => {
    const { code, stderr } = await dagHere("new", "--", "-x");
    expect([code, stderr]).toEqual([2, expect.stringContaining("'-x' cannot name a DAG")]);
  });

  test("where a folder has the file's name, nothing is written", async () => {
    await mkdir(`${folder.path}/taken.yaml`);
    const { code, stderr } = await dagHere("new", "taken");
    expect([code, stderr]).toEqual([2, expect.stringContaining("taken.yaml is there already")]);
  });

  test("the commented tasks of the starter are right, too", async () => {
    const starter = await readFile(`${ROOT}examples/starter.yaml`, "utf8");
    const all = starter.replaceAll(/^ {2}# ?(- id|  type|  command|  depends_on)/gm, "  $1");
    expect(all).not.toBe(starter);
    await folder.write("all.yaml", all);
    expect((await dagHere("validate", "all.yaml")).stdout).toBe(
      "all.yaml: DAG 'starter' is valid (5 tasks)\n",
    );
  });
});

test("dag schema prints the file that the package has for editors", async () => {
  const { code, stdout, stderr } = await dag(["schema"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(await readFile(`${ROOT}docs/dag.schema.json`, "utf8"));
});

describe("the examples of docs/dag-file.md", () => {
  test.each([
    ["defaults", 2, "Output of second:\n  quick eu\n"],
    ["failures", 2, "Tasks Failed: 2\nTasks Upstream Failed: 1\n"],
    ["params", 2, "Output of load:\n  loading 10 of 100 rows\n"],
    ["retries", 1, "Output of flaky:\n  attempt 3\n"],
    ["schedule", 1, "Output of report:\n  a report\n"],
  ])("%s", async (name, succeeded, output) => {
    const { code, stdout } = await dag(["run", `${EXAMPLES}${name}.yaml`]);
    expect(stdout).toContain(`DAG EXECUTION COMPLETE\nDAG: ${name}\n`);
    expect(stdout).toContain(`Tasks Succeeded: ${succeeded}\n`);
    expect(stdout).toContain(output);
    expect(code).toBe(0);
  });

  test("inputs: the form, what is missing, and a run", async () => {
    const file = `${EXAMPLES}inputs.yaml`;
    expect((await dag(["form", file])).stdout).toBe(
      [
        "NAME    LABEL              REQUIRED  DEFAULT  ABOUT",
        "day     Day of the report  yes                e.g. 2026-01-31",
        "limit   Rows at most       no        100",
        "region  Region             no        eu       Whose customers",
        "",
        `dag run ${file} --param day=2026-01-31`,
        "",
      ].join("\n"),
    );
    expect((await dag(["run", file, "--dry-run"])).stdout).toContain(
      "\nInputs still to be given: Day of the report (day)\n",
    );
    const planned = await dag(["run", file, "--dry-run", "--json", "--param", "day=2026-01-31"]);
    expect(JSON.parse(planned.stdout)).toMatchObject({ missing: [] });
    const missing = "Day of the report (day). Give it as a param, like --param day=…";
    const nowhere = ["--nats", "nats://127.0.0.1:9", "--detach"];
    for (const args of [[], ["--param", "day="], nowhere]) {
      const { code, stderr } = await dag(["run", file, ...args]);
      expect([code, stderr]).toEqual([
        2,
        `dag: DAG 'inputs' needs an input that was not given: ${missing}\n`,
      ]);
    }
    const ran = await dag(["run", file, "--param", "day=2026-01-31", "--param", "limit=7"]);
    expect(ran.stdout).toContain("  7 rows of 2026-01-31 in eu\n");
    expect(ran.code).toBe(0);
  });

  test("types, with somebody who answers", async () => {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => response.setHeader("content-type", "application/json").end(body));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const text = await readFile(`${EXAMPLES}types.yaml`, "utf8");
      const file = await folder.write("types.yaml", text.replace("127.0.0.1:8099", `127.0.0.1:${port}`));
      const { code, stdout } = await dag(["run", file, "--json"]);
      const { state, tasks } = JSON.parse(stdout) as { state: string; tasks: Record<string, unknown> };
      expect([code, state]).toEqual([0, "completed"]);
      expect(tasks).toMatchObject({
        request: { output: { status: 200, body: { item: "tea", count: 2 } } },
        call: { output: { from: "here", request__status: 200 } },
        call_again: { output: { call__from: "here" } },
      });
    } finally {
      server.close();
    }
  });

  test("a param of another kind than its default is refused, as the page says", async () => {
    const { code, stderr } = await dag(["run", `${EXAMPLES}params.yaml`, "--param", "limit=ten"]);
    expect([code, stderr]).toEqual([2, "dag: param 'limit' must be a number, not 'ten'\n"]);
  });

  test("all of them are run here", async () => {
    const files = await readdir(EXAMPLES);
    expect(files.toSorted()).toEqual(
      ["defaults", "failures", "inputs", "params", "retries", "schedule", "types"].map(
        (name) => `${name}.yaml`,
      ),
    );
  });
});
