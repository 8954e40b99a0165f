/**
 * Takes out of a copy of the sources, one at a time, what the promises rest on, and runs seeds until one fails:
 * `npm run sim:mutations`. One that no seed notices is an error, and so is one that does not apply any more.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { MUTATIONS } from "./list.ts";
import type { Mutation, Patch } from "./mutation.ts";

const SOURCES = ["internal", "test/simulation", "test/support", "package.json", "tsconfig.json"];
const TSC = join("node_modules", ".bin", "tsc");
/** For a mutation that never comes to an end. */
const LIMIT_MS = 20 * 60_000;

const run = promisify(execFile);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "2000" }, only: { type: "string", default: "" } },
});
const rows: string[][] = [["taken out", "noticed by", "after seeds"]];
let survivors = 0;
for (const [i, mutation] of MUTATIONS.entries()) {
  if (!mutation.name.includes(values.only)) continue;
  const noticed = await tryOut(mutation, join("dist", "mutations", String(i)));
  if (noticed === undefined) survivors++;
  const row = [mutation.name, noticed?.invariant ?? "NOBODY", noticed?.seed ?? `${values.seeds} passed`];
  rows.push(row);
  say(row.join(" · "));
}
say(`\n${table(rows)}`);
say(survivors === 0 ? "every mutation was noticed" : `${survivors} mutations were not noticed`);
process.exitCode = survivors === 0 ? 0 : 1;

/** Which seed has noticed it, and by which invariant. */
async function tryOut(
  { patches }: Mutation,
  folder: string,
): Promise<{ readonly seed: string; readonly invariant: string } | undefined> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const source of SOURCES) await cp(source, join(folder, source), { recursive: true });
  for (const patch of patches) await apply(patch, folder);
  await run(TSC, ["-p", join(folder, "test", "simulation"), "--noCheck"]);
  const main = join(folder, "dist", "simulation", "test", "simulation", "main.js");
  const args = [main, "--first", "--seeds", values.seeds];
  const { stdout } = await run(process.execPath, args, { timeout: LIMIT_MS }).catch(
    (error: { readonly stdout: string }) => error,
  );
  const [, seed, invariant] = /^seed (\d+) failed: ([^:]+):/m.exec(stdout) ?? [];
  return seed === undefined || invariant === undefined ? undefined : { seed, invariant };
}

async function apply({ file, from, to }: Patch, folder: string): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, "utf8");
  const parts = text.split(from);
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} times what is to be taken out: ${from}`);
  }
  await writeFile(path, parts.join(to));
}

function table(all: readonly (readonly string[])[]): string {
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}
