/** `npm run vectors -- DIR`: runs the test vectors in a folder, test/vectors by default, and says what came of each file. */
import { readdir } from "node:fs/promises";
import { type FileReport, readRebaselined, REBASELINED, runFile } from "./run-folder.ts";
import { RUNNERS } from "./runners.ts";

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

/** Whether nothing failed. */
async function runAll(): Promise<boolean> {
  const known = new Set([...RUNNERS.map(({ file }) => file), REBASELINED]);
  const unknown = (await readdir(folder)).filter((file) => file.endsWith(".json") && !known.has(file));
  const rebaselined = await readRebaselined(folder, OURS);
  let failures = 0;
  for (const runner of RUNNERS) {
    const report = await runFile(folder, runner, rebaselined);
    if (report === undefined) say(`${runner.file}: not in ${folder}, skipped`);
    else tell(report);
    failures += report?.failed.length ?? 0;
  }
  for (const file of unknown) say(`${file}: nothing runs it, skipped`);
  return failures === 0;
}

function tell({ name, passed, failed, rebaselined, open }: FileReport): void {
  say(`${name}: ${passed} passed, ${failed.length} failed, ${rebaselined} re-baselined, ${open.length} open`);
  for (const { id, differences } of failed) say(`  ${id} failed: ${differences.join("; ")}`);
  if (open.length > 0) say(`  open: ${open.join(" ")}`);
}
