/**
 * Folders for the private files of tasks, all below one folder of this process. It goes with the process; what a
 * process left that was killed, the next worker removes, and ends what still runs of it. So its name tells whose it is.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { OUTPUT_FILE } from "./attempt-env.ts";
import { isDead, OUR_PROCESS, OUR_SIGHT, SPAWNER_OF } from "./process-mark.ts";
import { removeAll } from "./spawner/attempt-folder.mjs";
import { endMarked } from "./spawner/marked.mjs";

/** Of every process in sight of this one. */
const PREFIX = `jetdag-${OUR_SIGHT}-`;

const EMPTY_PARAMS = "no-params.json";

let own: string | undefined;
let made = 0;
process.once("exit", () => {
  if (own === undefined) return;
  for (const path of pathsIn(own)) if (isOurs(path)) rmSync(path, { recursive: true, force: true });
  try {
    rmdirSync(own);
  } catch {
    // What is left is of commands that still run as somebody else; their spawner ends and removes it.
  }
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

/** Beside it too: where a task tells which artifacts it hands over. */
export function artifactsFileOf(folder: string): string {
  return `${folder}.artifacts`;
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
  const left = pathsIn(tmpdir()).filter((path) => isLeft(basename(path)) && isOurs(path));
  // Those of attempts that had ended are not there any more.
  const attempts = left.flatMap(pathsIn).filter((path) => /^\d+$/.test(basename(path)));
  await endMarked(attempts.map(markOf));
  // One that was stopped has not seen that its process is gone.
  await endMarked(left.map((path) => `${SPAWNER_OF}=${ownerOf(basename(path)) ?? ""}`));
  for (const folder of left) {
    for (const path of pathsIn(folder)) if (!isOurs(path)) await removeAll(path, lstatSync(path));
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Of what is somebody else's we must not go over what is in it: it may be a link to anywhere at any time. */
function isOurs(path: string): boolean {
  const owner = lstatSync(path, { throwIfNoEntry: false })?.uid;
  return owner === undefined || owner === process.getuid?.();
}

function pathsIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
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

/** `<prefix><process>-<random>` of a process that is dead. */
function isLeft(name: string): boolean {
  const owner = ownerOf(name);
  return owner !== undefined && isDead(owner);
}

function ownerOf(name: string): string | undefined {
  return name.startsWith(PREFIX) ? /^(\d+-\d+)-\w+$/.exec(name.slice(PREFIX.length))?.[1] : undefined;
}
