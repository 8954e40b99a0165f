/**
 * Folders for the private files of tasks, all below one folder of this process. It goes with the process; what a
 * process left that was killed, the next worker removes, and ends what still runs of it. So its name tells whose it is.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endLeftovers } from "./bash-guard.ts";
import { isDead, OUR_PROCESS, OUR_SIGHT } from "./process-mark.ts";

/** Of every process in sight of this one. */
const PREFIX = `jetdag-${OUR_SIGHT}-`;

let own: string | undefined;
process.once("exit", () => {
  if (own !== undefined) rmSync(own, { recursive: true, force: true });
});

/** A new folder that only this user can read. */
export async function makeScratchFolder(): Promise<string> {
  const parent = ownFolder();
  try {
    return await mkdtemp(join(parent, "attempt-"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // Somebody tidies up the temporary folder.
    if (own === parent) own = undefined;
    return mkdtemp(join(ownFolder(), "attempt-"));
  }
}

/** Removes what processes of this host have left that are dead, and ends what still runs of their attempts. */
export async function sweepScratchFolders(): Promise<void> {
  const left = (await filesIn(tmpdir()))
    .filter((name) => name.startsWith(PREFIX) && isLeft(name.slice(PREFIX.length)))
    .map((name) => join(tmpdir(), name));
  // Those of attempts that had ended are not there any more.
  const attempts = left.map(async (folder) => (await filesIn(folder)).map((name) => join(folder, name)));
  await endLeftovers((await Promise.all(attempts)).flat());
  await Promise.all(
    left.map((folder) => rm(folder, { recursive: true, force: true }).catch(() => undefined)),
  );
}

async function filesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function ownFolder(): string {
  own ??= mkdtempSync(join(tmpdir(), `${PREFIX}${OUR_PROCESS}-`));
  return own;
}

/** `<process>-<random>` of a process that is dead. */
function isLeft(rest: string): boolean {
  const [, process] = /^(\d+-\d+)-\w+$/.exec(rest) ?? [];
  return process !== undefined && isDead(process);
}
