/** The configuration file, for real programs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { dag, Program } from "../support/programs.ts";

const DAG = fileURLToPath(new URL("../../dist/cmd/dag/main.js", import.meta.url));

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

interface Line {
  readonly program: string;
  readonly setting: string;
  readonly value: unknown;
  readonly source: string;
  readonly where: string | null;
}
const linesOf = (stdout: string): Line[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** `dag` with a current folder. */
function dagIn(cwd: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, HOME: "/nowhere" };
    execFile(process.execPath, [DAG, ...args], { cwd, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr));
    });
  });
}

describe("dag config", () => {
  test("each program's settings, their values and where they come from", async () => {
    const config = await folder.write(
      "team.yaml",
      "nats: nats://user:hidden@host:4222\nworkers: 7\ndead_after: 40s\n",
    );
    const args = ["config", "--json", "--config", config, "--namespace", "mine"];
    const { code, stdout } = await dag(args, { JETDAG_QUEUES: "a,b" });
    expect(code).toBe(0);
    expect(stdout).not.toContain("hidden");
    const lines = linesOf(stdout);
    expect(Object.keys(lines[0] ?? {})).toEqual(["program", "setting", "value", "source", "where"]);
    expect([...new Set(lines.map(({ program }) => program))]).toEqual(["dag", "executor", "worker"]);
    const of = (program: string, setting: string): Line | undefined =>
      lines.find((line) => line.program === program && line.setting === setting);
    expect(of("worker", "nats")).toMatchObject({
      value: "nats://host:4222",
      source: "file",
      where: `${config}:1`,
    });
    expect(of("worker", "workers")).toMatchObject({ value: 7, where: `${config}:2` });
    expect(of("executor", "workers")).toBeUndefined();
    expect(of("executor", "dead_after")).toMatchObject({ value: "40s" });
    expect(of("dag", "namespace")).toMatchObject({ value: "mine", source: "flag", where: "--namespace" });
    expect(of("worker", "queues")).toMatchObject({ source: "environment", where: "JETDAG_QUEUES" });
    expect(of("worker", "grace")).toMatchObject({ value: "5s", source: "default", where: null });
    expect(of("worker", "id")).toMatchObject({ value: null, source: "default" });
  });

  test("a table for people, one line where programs agree", async () => {
    const config = await folder.write("table.yaml", "# a comment\ngrace: 7s\nnats: nats://u:secret@host\n");
    const { stdout } = await dag(["config"], { JETDAG_CONFIG: config });
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(["SETTING", "VALUE", "FROM", "OF"]);
    expect(rows).toContainEqual(["grace", "7s", "table.yaml:2", "all"]);
    expect(rows).toContainEqual(["nats", "nats://host", "table.yaml:3", "all"]);
    expect(rows).toContainEqual(["timeout", "-", "default", "dag"]);
    expect(rows).toContainEqual(["timeout", "30m", "default", "worker"]);
    expect(stdout.trim().split("\n").at(-1)).toBe(`configuration file: ${config}`);
  });

  test("the file in the current folder is found; without one, it says where it looked", async () => {
    await using here = await TestFolder.make();
    expect(await dagIn(here.path, "config")).toContain(
      "no configuration file; looked for jetdag.yaml and /nowhere/.config/jetdag/jetdag.yaml\n",
    );
    await here.write("jetdag.yaml", "workers: 3\n");
    expect(linesOf(await dagIn(here.path, "config", "--json"))).toContainEqual({
      program: "worker",
      setting: "workers",
      value: 3,
      source: "file",
      where: "jetdag.yaml:1",
    });
  });

  test("what stands in the file counts for a run", async () => {
    await using here = await TestFolder.make();
    await here.write("jetdag.yaml", "functions: mine.mjs\n");
    await here.write("mine.mjs", "export function mine() { return { found: true }; }\n");
    await here.write("a.yaml", "name: a\ntasks: [{ id: a, type: function, command: mine }]\n");
    expect(await dagIn(here.path, "run", "a.yaml", "--json")).toContain('"found":true');
  });
});

test.each(["dag", "executor", "worker"] as const)(
  "%s: a file with mistakes is exit 2, each with its place",
  async (name) => {
    const config = await folder.write("bad.yaml", "workers: 3\nwokers: 4\nheartbeat: soon\n");
    const args = name === "dag" ? ["workers"] : [];
    await using program = new Program(name, args, { JETDAG_CONFIG: config });
    const { code, stdout, stderr } = await program.finished;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [head, ...lines] = stderr.trim().split("\n");
    expect(head).toBe(`${name}: the configuration file that JETDAG_CONFIG names cannot be used:`);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(`${config}:2:1: unknown setting 'wokers'; did you mean 'workers'?`);
    expect(lines[1]).toContain(`${config}:3:12: heartbeat: 'soon' is not allowed: write it like 500ms`);
  },
);

test("a worker tells with their places all settings whose values cannot be used", async () => {
  const config = await folder.write(
    "unusable.yaml",
    "secrets_dir: nowhere\nplugins: none.mjs\nfunctions: gone.mjs\nsecrets_command: nosuchprog get\n",
  );
  await using program = new Program("worker", ["--run-as", "nobody-of-this-host"], { JETDAG_CONFIG: config });
  const { code, stderr } = await program.finished;
  expect(code).toBe(2);
  const at = (line: number, key: string): string => `${config}:${line}: ${key}: `;
  expect(stderr.trim().split("\n")).toEqual([
    `worker: ${at(3, "functions")}functions file '${folder.path}/gone.mjs': no such file`,
    expect.stringMatching(/^--run-as nobody-of-this-host: /),
    `${at(2, "plugins")}plug-ins file '${folder.path}/none.mjs': no such file`,
    `${at(1, "secrets_dir")}there is no folder ${folder.path}/nowhere`,
    `${at(4, "secrets_command")}there is no program 'nosuchprog' in the folders of PATH`,
  ]);
});

test("what is allowed and is not there is told with its place, also for a run here", async () => {
  const config = await folder.write("allowed.yaml", "\nallow: [bash, sensr]\n");
  const file = await folder.write("a.yaml", "name: a\ntasks: [{ id: a, command: 'true' }]\n");
  const { code, stderr } = await dag(["run", file, "--config", config]);
  expect(code).toBe(2);
  expect(stderr).toContain(`dag: ${config}:2: allow: 'sensr' is none of bash, shell, http`);
});
