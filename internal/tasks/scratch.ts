/**
 * Folders for the private files of tasks, all below one folder of this process. It goes with the process; what a
 * process left that was killed, the next worker removes, and ends what still runs of it. So its name tells whose it is.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { OUTPUT_FILE } from "./attempt-env.ts";
import { isDead, OUR_PROCESS, OUR_SIGHT } from "./process-mark.ts";
import { endMarked } from "./spawner/marked.mjs";

/** Of every process in sight of this one. */
const PREFIX = `jetdag-${OUR_SIGHT}-`;

const EMPTY_PARAMS = "no-params.json";

let own: string | undefined;
let made = 0;
process.once("exit", () => {
  if (own !== undefined) rmSync(own, { recursive: true, force: true });
});

/** The path of a folder of its own for an attempt, which is not there yet. */
export function newScratchPath(): string {
  // Somebody may tidy up the temporary folder.
  if (own === undefined || !existsSync(own)) own = makeOwn();
  return join(own, String(++made));
}

/** Beside it, the folder being where a task runs: where it writes its output. */
export function outputFileOf(folder: string): string {
  return `${folder}.output`;
}

/** What the processes of the attempt of this folder have in their environment, and no other does. */
export function markOf(folder: string): string {
  return `${OUTPUT_FILE}=${outputFileOf(folder)}`;
}

/** A new folder that only this user can read. */
export async function makeScratchFolder(): Promise<string> {
  const path = newScratchPath();
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** Removes what processes of this host have left that are dead, and ends what still runs of their attempts. */
export async function sweepScratchFolders(): Promise<void> {
  const left = (await filesIn(tmpdir()))
    .filter((name) => name.startsWith(PREFIX) && isLeft(name.slice(PREFIX.length)))
    .map((name) => join(tmpdir(), name));
  // Those of attempts that had ended are not there any more.
  const attempts = left.map(async (folder) =>
    (await filesIn(folder)).filter((name) => /^\d+$/.test(name)).map((name) => join(folder, name)),
  );
  await endMarked((await Promise.all(attempts)).flat().map(markOf));
  await Promise.all(
    left.map((folder) => rm(folder, { recursive: true, force: true }).catch(() => undefined)),
  );
}

async function filesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** With the params of a task that has none. */
export function emptyParamsFile(folder: string): string {
  return join(dirname(folder), EMPTY_PARAMS);
}

/** Its name tells whose it is. Others may pass through it, since tasks may run as somebody else, but not look into it. */
function makeOwn(): string {
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${OUR_PROCESS}-`));
  chmodSync(path, 0o711);
  writeFileSync(join(path, EMPTY_PARAMS), "{}", { mode: 0o444 });
  return path;
}

/** `<process>-<random>` of a process that is dead. */
function isLeft(rest: string): boolean {
  const [, process] = /^(\d+-\d+)-\w+$/.exec(rest) ?? [];
  return process !== undefined && isDead(process);
}
