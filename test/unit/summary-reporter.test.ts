/** Is the last line honest? A small run with every kind of failure, by the real runner. */
import { execFile } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const REPORTER = fileURLToPath(new URL("../support/summary-reporter.ts", import.meta.url));

/** The last line that a run of such test files prints. */
async function lastLine(files: Record<string, string>): Promise<string | undefined> {
  await using folder = await TestFolder.make();
  await symlink(MODULES, join(folder.path, "node_modules"));
  for (const [name, text] of Object.entries(files)) {
    await folder.write(name, `import { beforeAll, describe, expect, test } from "vitest";\n${text}\n`);
  }
  const args = [join(MODULES, "vitest", "vitest.mjs"), "run", "--root", folder.path, "--reporter", REPORTER];
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: folder.path }, (_error, stdout) => resolve(stdout));
  });
  return printed.trimEnd().split("\n").at(-1);
}

const PASSING = 'test("a", () => expect(1).toBe(1));\ntest("b", () => expect(1).toBe(1));';

test("what passed, and nothing more", async () => {
  expect(await lastLine({ "a.test.ts": PASSING })).toBe("2 passed, 0 failed");
});

test("failed and skipped tests, and what failed beside the tests", async () => {
  const line = await lastLine({
    "a.test.ts": `${PASSING}\ntest("c", () => expect(1).toBe(2));\ntest.skip("d", () => undefined);`,
    "hook.test.ts":
      'describe("e", () => { beforeAll(() => { throw new Error("x"); }); test("f", () => {}); });',
    "unloadable.test.ts": 'import "./nowhere.ts";',
    "unhandled.test.ts": 'test("g", () => { void Promise.reject(new Error("late")); });',
  });
  expect(line).toBe("3 passed, 4 failed, 2 skipped");
});
