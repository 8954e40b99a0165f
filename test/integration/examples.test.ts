import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;
const run = promisify(execFile);

test("the README's library example is the file in examples/, and does what it says", async () => {
  const [readme, example] = await Promise.all([
    readFile(`${ROOT}README.md`, "utf8"),
    readFile(`${ROOT}examples/library.mjs`, "utf8"),
  ]);
  expect(/```js\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example);
  const { stdout } = await run(process.execPath, [`${ROOT}examples/library.mjs`], {
    cwd: ROOT,
    timeout: 60_000,
  });
  expect(stdout).toBe("completed { loaded: 42 }\n");
});

test("npm start's program: a real cluster, the example run to its end, in a pipe", async () => {
  const { stdout } = await run(process.execPath, [`${ROOT}dist/cmd/demo/main.js`], {
    cwd: ROOT,
    timeout: 80_000,
  });
  expect(stdout).toContain("DAG EXECUTION COMPLETE\nDAG: quickstart\n");
  expect(stdout).toContain("flaky failed after");
  expect(stdout).toContain('"bad_rows": 3');
  expect(stdout).toContain("What to try next:");
  expect(stdout).not.toContain("\u001B[");
});
