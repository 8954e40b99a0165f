/** `npm run vectors -- DIR`: runs the test vectors in a folder, test/vectors by default, and says what came of each file. */
import { readdir } from "node:fs/promises";
import { type FileReport, type Rebaselined, readRebaselined, REBASELINED, runFile } from "./run-folder.ts";
import { RUNNERS } from "./runners.ts";
import type { VectorRunner } from "./vector.ts";

const OURS = "test/vectors";

// Who reads it may have seen enough (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const [folder = OURS] = process.argv.slice(2);
try {
  process.exitCode = (await runAll()) ? 0 : 1;
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/** Whether there was something to run, and nothing failed. */
async function runAll(): Promise<boolean> {
  const known = new Set([...RUNNERS.map(({ file }) => file), REBASELINED]);
  const unknown = (await readdir(folder)).filter((file) => file.endsWith(".json") && !known.has(file));
  const rebaselined = await readRebaselined(folder, OURS);
  const ends = new Set<End>();
  for (const runner of RUNNERS) ends.add(await run(runner, rebaselined));
  for (const file of unknown) say(`${file}: nothing runs it, skipped`);
  if (ends.has("well") || ends.has("badly")) return !ends.has("badly");
  say(
    `there are no test vectors in ${folder}: give a folder with ${[...known].join(", ")}, or some of these`,
  );
  return false;
}

type End = "well" | "badly" | "missing";

/** A file that cannot be run keeps the others from nothing. */
async function run(runner: VectorRunner, rebaselined: Rebaselined): Promise<End> {
  try {
    const report = await runFile(folder, runner, rebaselined);
    if (report === undefined) {
      say(`${runner.file}: not in ${folder}, skipped`);
      return "missing";
    }
    tell(report);
    return report.failed.length === 0 ? "well" : "badly";
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return "badly";
  }
}

function tell({ name, passed, failed, rebaselined, open }: FileReport): void {
  say(`${name}: ${passed} passed, ${failed.length} failed, ${rebaselined} re-baselined, ${open.length} open`);
  for (const { id, differences } of failed) say(`  ${id} failed: ${differences.join("; ")}`);
  if (open.length > 0) say(`  open: ${open.join(" ")}`);
}
