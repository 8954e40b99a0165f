/** Can `npm ci` install from the lock file anywhere? */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

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

test("the scripts stay few", async () => {
  const { scripts } = await json<{ scripts: Record<string, string> }>("package.json");
  expect(Object.keys(scripts).length).toBeLessThan(15);
});
