import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, violation } from "../support/imports.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function sources(): Promise<{ file: string; text: string }[]> {
  const folders = await Promise.all(
    ["internal", "cmd"].map(async (top) =>
      (await readdir(join(ROOT, top), { recursive: true })).map((file) => join(top, file)),
    ),
  );
  const files = folders.flat().filter((file) => /\.(ts|mjs)$/.test(file));
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(join(ROOT, file), "utf8") })));
}

test("every import follows the arrows of the layers", async () => {
  const all = await sources();
  expect(all.length).toBeGreaterThan(50);
  const wrong = all.flatMap(({ file, text }) => importsOf(text).map((to) => violation({ from: file, to })));
  expect(wrong.filter((each) => each !== undefined)).toEqual([]);
});

test("no barrel files, and no file above 350 lines", async () => {
  const all = await sources();
  expect(all.filter(({ file }) => /(^|\/)(index|utils?)\.ts$/.test(file)).map(({ file }) => file)).toEqual(
    [],
  );
  const long = all.filter(({ text }) => text.split("\n").length > 351).map(({ file }) => file);
  expect(long).toEqual([]);
});

test("only the settings and the programs look at the environment", async () => {
  const allowed =
    /^(cmd\/|internal\/config\/|internal\/tasks\/(bash(-spawner|-user)?|function-thread|secret-sources)\.ts$)/;
  const all = await sources();
  const wrong = all.filter(({ file, text }) => text.includes("process.env") && !allowed.test(file));
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

describe("the check itself", () => {
  test.each([
    ["internal/core/fold.ts", "node:fs"],
    ["internal/core/fold.ts", "../ports/clock.ts"],
    ["internal/executor/a.ts", "../nats/run-log.ts"],
    ["internal/worker/a.ts", "zod"],
    ["internal/tasks/http.ts", "execa"],
    ["internal/memory/a.ts", "@nats-io/jetstream"],
    ["internal/new/a.ts", "./b.ts"],
    ["cmd/dag/main.ts", "undici"],
  ])("refuses %s importing %s", (from, to) => {
    expect(violation({ from, to })).toBeDefined();
  });

  test.each([
    ["internal/core/fold.ts", "./graph.ts"],
    ["internal/executor/a.ts", "../core/graph.ts"],
    ["internal/tasks/http.ts", "undici"],
    ["internal/nats/server/run.ts", "../connection.ts"],
    ["cmd/dag/main.ts", "../../internal/nats/cluster.ts"],
  ])("allows %s importing %s", (from, to) => {
    expect(violation({ from, to })).toBeUndefined();
  });

  test("finds imports over several lines, of types and in exports", () => {
    const text =
      'import {\n  a,\n} from "x";\nimport type { B } from "./y.ts";\nexport { c } from "z";\nimport "w";\n';
    expect(importsOf(text)).toEqual(["x", "./y.ts", "z", "w"]);
  });
});
