/** Can `npm ci` install from the lock file anywhere? */
import { access, mkdir, readFile, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { importsOf } from "../support/imports.ts";
import { call, context } from "../support/task-call.ts";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
}

async function json<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`../../${name}`, import.meta.url), "utf8")) as T;
}

const { packages } = await json<{ packages: Record<string, Locked> }>("package-lock.json");

test("the lock file knows the packages of every platform, also of those that were not there to lock it", () => {
  // npm leaves out what its registry does not have, and `npm ci` then refuses the whole file.
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  expect(wanted).toContain("@oxlint/binding-darwin-arm64");
  expect(wanted.filter((name) => packages[`node_modules/${name}`]?.version === undefined)).toEqual([]);
});

test("the lock file names no download address", () => {
  const addresses = Object.values(packages).filter(({ resolved }) => resolved !== undefined);
  expect(addresses).toEqual([]);
});

/** Files of the build that come with this one, and packages. */
async function broughtAlong(entry: string): Promise<{ files: string[]; packages: ReadonlySet<string> }> {
  const files = new Set<string>();
  const packages = new Set<string>();
  const follow = async (file: URL): Promise<void> => {
    if (files.has(file.href)) return;
    files.add(file.href);
    for (const to of importsOf(await readFile(file, "utf8"))) {
      if (to.startsWith(".")) await follow(new URL(to, file));
      else packages.add(to);
    }
  };
  await follow(new URL(`../../dist/cmd/library/${entry}`, import.meta.url));
  return { files: [...files], packages };
}

describe("what other packages import", () => {
  test("is in the build", async () => {
    const { exports } = await json<{ exports: Record<string, Record<string, string>> }>("package.json");
    expect(Object.keys(exports)).toEqual([".", "./engine", "./functions"]);
    const files = Object.values(exports).flatMap((entry) => Object.values(entry));
    for (const file of files) await access(new URL(`../../${file}`, import.meta.url));
  });

  test("as jetdag/functions brings nothing along: each thread of a worker loads it", async () => {
    const { files, packages } = await broughtAlong("functions.js");
    expect(files.map((each) => basename(each))).toEqual(["functions.js", "define-function.mjs"]);
    expect([...packages]).toEqual([]);
  });

  test("as jetdag/engine brings the core along, and no package", async () => {
    const { files, packages } = await broughtAlong("engine.js");
    const folders = new Set(files.map((each) => /dist\/(cmd\/library|internal\/\w+)\//.exec(each)?.[1]));
    expect(folders).toEqual(
      new Set(["cmd/library", "internal/core", "internal/engine", "internal/patterns"]),
    );
    // For the engine of regular expressions, which is loaded with the first of them.
    expect([...packages]).toEqual(["node:module"]);
  });

  test("is found by a module of functions beside its node_modules", async () => {
    await using folder = await TestFolder.make();
    await mkdir(join(folder.path, "node_modules"));
    await symlink(
      fileURLToPath(new URL("../..", import.meta.url)),
      join(folder.path, "node_modules", "jetdag"),
    );
    const file = await folder.write(
      "functions.mjs",
      `import { defineFunction } from "jetdag/functions";
       import { NonRetryable } from "jetdag";
       export const own = defineFunction({ name: "own", handler: () => { throw new NonRetryable("never"); } });`,
    );
    const threads = await FunctionThreads.load({
      file,
      memoryMb: 128,
      observer: { observe: () => undefined },
    });
    try {
      expect(threads.names).toEqual(["own"]);
      const error = { message: "NonRetryable: never", isFinal: true };
      expect(await threads.run(call("own"), context())).toMatchObject({ ok: false, error });
    } finally {
      await threads.close();
    }
  });
});

test("the scripts stay few", async () => {
  const { scripts } = await json<{ scripts: Record<string, string> }>("package.json");
  expect(Object.keys(scripts).length).toBeLessThan(15);
});
