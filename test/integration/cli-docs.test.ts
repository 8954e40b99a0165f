/** docs/cli.md: its table is the command tree, its examples run as they stand, and no option is left out. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProgramCluster } from "../support/program-cluster.ts";
import { dag, type Finished } from "../support/programs.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const page = await readFile(`${ROOT}docs/cli.md`, "utf8");
const table = [...page.matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm)].map(([, name = "", text = ""]) => ({
  name,
  text,
}));

async function commandsOf(...group: string[]): Promise<string[]> {
  const { stdout } = await dag([...group, "--help"]);
  const commands = stdout.slice(stdout.indexOf("Commands:")).split("\n\n", 1)[0] ?? "";
  return [...commands.matchAll(/^ {2}(\w+) /gm)].flatMap(([, name = ""]) => (name === "help" ? [] : [name]));
}

test("the table has every command, and says what its help says", async () => {
  const names = await commandsOf();
  const known = table.slice(0, names.length);
  expect(known.map(({ name }) => name)).toEqual(names);
  expect(await commandsOf("dead")).toEqual(["list", "show", "replay", "drop"]);
  const helps = await Promise.all(names.map((name) => dag([name, "--help"])));
  for (const [i, { stdout: help }] of helps.entries()) {
    expect(help.split("\n\n")[1]?.replaceAll("\n", " ")).toBe(known[i]?.text);
    checkFlags(help);
  }
  for (const name of await commandsOf("dead")) checkFlags((await dag(["dead", name, "--help"])).stdout);
});

/** What stands under "Options" is on the page. */
function checkFlags(help: string): void {
  const options = help.slice(help.indexOf("\nOptions:")).split("\n\n", 1)[0] ?? "";
  const flags = [...options.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = ""]) => flag);
  expect(flags.filter((flag) => flag !== "--help" && !page.includes(flag))).toEqual([]);
}

describe("the examples", () => {
  let cluster: ProgramCluster;
  beforeAll(async () => {
    cluster = await ProgramCluster.start();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  function runLine(line: string): Promise<Finished> {
    const options = { cwd: cluster.folder.path, env: { ...process.env, NATS_URL: cluster.url } };
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [`${ROOT}dist/cmd/dag/main.js`, ...line.split(" ")],
        options,
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  test("end with the exit codes that the page says", async () => {
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
    const lines = blocks.join("").trim().split("\n");
    expect(lines.length).toBeGreaterThan(20);
    let run = "";
    for (const line of lines) {
      const [, command = "", code = "0"] = /^dag (.*?)(?:\s+# (\d).*)?$/.exec(line) ?? [];
      const ended = await runLine(command.replace("RUN", run));
      expect({ line, ...ended }).toMatchObject({ line, code: Number(code) });
      if (command.includes("--detach")) run = ended.stdout.trim();
    }
  }, 300_000);
});

test("the DAG of docs/coming-from.md runs, by the command that stands there", async () => {
  const text = await readFile(`${ROOT}docs/coming-from.md`, "utf8");
  const [, command = ""] = /^dag (run .*)$/m.exec(text) ?? [];
  const { code, stdout } = await dag(
    command.split(" ").map((word) => word.replace(/^examples/, `${ROOT}examples`)),
  );
  expect(stdout).toContain("Output of report:\n  loaded 42 rows of 2026-01-31\n");
  expect(code).toBe(0);
});
