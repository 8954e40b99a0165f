/** Do the test vectors pass, and does their runner notice when they do not? */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { readRebaselined, runFile } from "../vectors-run/run-folder.ts";
import { RUNNERS } from "../vectors-run/runners.ts";
import type { Vector, VectorRunner } from "../vectors-run/vector.ts";

const SHARED = "test/vectors";
const OWN = "test/vectors-own";

const named = RUNNERS.map((runner): [string, VectorRunner] => [`${runner.file} ${runner.way ?? ""}`, runner]);

describe.each([SHARED, OWN])("in %s", (folder) => {
  test.each(named)("%s passes", async (_name, runner) => {
    const report = await runFile(folder, runner, await readRebaselined(folder));
    expect(report).toMatchObject({ failed: [], open: [] });
    expect(report?.passed).toBeGreaterThan(0);
  });

  test("ids are given once", async () => {
    const ids = (await vectorsIn(folder)).map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });
});

test("each answer that is given instead is for a case of that kind, and has its reason", async () => {
  const known = new Map((await vectorsIn(SHARED)).map((vector) => [vector.id, vector.tags ?? []]));
  const entries = Object.entries(await readRebaselined(SHARED));
  expect(entries.filter(([id]) => known.get(id)?.includes("pyism") !== true)).toEqual([]);
  expect(entries.filter(([, { why }]) => why.length < 20)).toEqual([]);
});

test("the runner counts what passes, fails, is answered otherwise on purpose, and is open", async () => {
  await using folder = await TestFolder.make();
  const vectors = [
    { id: "right", wanted: 1 },
    { id: "wrong", wanted: 2 },
    { id: "throws", wanted: 3 },
    { id: "other", tags: ["pyism"], wanted: "True" },
    { id: "otherwise-wrong", tags: ["pyism"], wanted: "None" },
    { id: "unanswered", tags: ["pyism"], wanted: 1 },
    { id: "no-excuse", wanted: 4 },
  ];
  await folder.write("some.json", JSON.stringify(vectors));
  const rebaselined = {
    other: { wanted: 1, why: "…" },
    "otherwise-wrong": { wanted: "x", why: "…" },
    "no-excuse": { wanted: 1, why: "…" },
  };
  const runner: VectorRunner = {
    file: "some.json",
    run: ({ wanted }) => {
      if (wanted === 3) throw new Error("not this");
      return wanted === 1 ? [] : [`got ${JSON.stringify(wanted)}`];
    },
  };
  expect(await runFile(folder.path, runner, rebaselined)).toEqual({
    name: "some.json",
    passed: 1,
    rebaselined: 1,
    open: ["unanswered"],
    failed: [
      { id: "wrong", differences: ["got 2"] },
      { id: "throws", differences: ["it threw: not this"] },
      { id: "otherwise-wrong", differences: ['got "x"'] },
      { id: "no-excuse", differences: ["got 4"] },
    ],
  });
  expect(await runFile(folder.path, { ...runner, file: "missing.json" }, {})).toBeUndefined();
  await expect(runFile(folder.path, { ...runner, file: "." }, {})).rejects.toThrow("cannot read");
  // Answers of one kind have changed since: of those without an entry, and where the runner does not throw again.
  const otherwise = ({ wanted }: Vector): boolean => {
    if (wanted === 3) throw new Error("not this");
    return wanted === 2 || wanted === "None";
  };
  expect(await runFile(folder.path, { ...runner, otherwise }, rebaselined)).toMatchObject({
    passed: 1,
    rebaselined: 2,
    failed: [{ id: "throws" }, { id: "otherwise-wrong" }, { id: "no-excuse" }],
  });
});

test("who reads the first line alone ends it without a word", async () => {
  const run = promisify(execFile);
  const script = "set -o pipefail; npm run --silent vectors -- test/vectors-own | head -n 1";
  const { stdout, stderr } = await run("bash", ["-c", script]);
  expect(stdout).toMatch(/^graph\.json .* 0 failed, .*\n$/);
  expect(stderr).not.toMatch(/EPIPE|Error/);
}, 120_000);

test("a file that cannot be run fails, and the others run; where there is nothing to run, nothing has passed", async () => {
  await using folder = await TestFolder.make();
  const vectors = async (): Promise<{ code: number | string; stdout: string }> =>
    promisify(execFile)("npm", ["run", "--silent", "vectors", "--", folder.path]).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    );
  await folder.write("other.json", "[]");
  const nothing = await vectors();
  expect(nothing.stdout).toContain("\nother.json: nothing runs it, skipped\nthere are no test vectors in ");
  expect(nothing.code).toBe(1);
  await folder.write("graph.json", "[");
  await folder.write("filters.json", '[{ "id": "a" }, null]');
  await folder.write("validate.json", await readFile(join(SHARED, "validate.json"), "utf8"));
  const { code, stdout } = await vectors();
  expect(stdout).toMatch(/^cannot read .*graph\.json: /m);
  expect(stdout).toMatch(/^cannot run .*filters\.json: it is not a list of cases, each with an id$/m);
  expect(stdout).toMatch(/^validate\.json: \d+ passed, 0 failed/m);
  expect(code).toBe(1);
}, 120_000);

async function vectorsIn(folder: string): Promise<Vector[]> {
  const files = (await readdir(folder)).filter((file) => file !== "rebaselined.json");
  const all = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return all.flatMap((text) => JSON.parse(text) as Vector[]);
}
