// The private files of an attempt: a folder where it runs unless it says otherwise, and files beside that folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, rmdir } from "node:fs/promises";
import {
  chownSync,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";

/** @import { Ended, Launch } from "../bash-spawner.ts" */

export class AttemptFolder {
  #launch;
  #isMade = false;

  /** @param {Launch} launch */
  constructor(launch) {
    this.#launch = launch;
  }

  /** Only its user can look into any of it. Throws what the system says. */
  make() {
    const { folder, files, outputFile, artifactsFile, user } = this.#launch;
    mkdirSync(folder, { mode: 0o700 });
    this.#isMade = true;
    for (const [path, text] of Object.entries(files)) this.#write(path, text);
    if (user === undefined) return;
    // The folder above is not that user's.
    this.#write(outputFile, "");
    this.#write(artifactsFile, "");
    chownSync(folder, user.uid, user.gid);
  }

  /**
   * @param {string} path
   * @param {string} text
   */
  #write(path, text) {
    const { user } = this.#launch;
    const file = openSync(path, "wx", 0o600);
    try {
      writeFileSync(file, text);
      if (user !== undefined) fchownSync(file, user.uid, user.gid);
    } finally {
      closeSync(file);
    }
  }

  /** @returns {Pick<Ended, "written" | "unreadable">} */
  readOutput() {
    const { outputFile, outputLimit } = this.#launch;
    let file;
    // Most have none, and to be told so by an error takes longer than all the rest.
    if (!isThere(outputFile)) return {};
    try {
      // A pipe would keep us waiting, and a link may lead to what its user may not read.
      file = openSync(outputFile, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const stat = fstatSync(file);
      if (!stat.isFile()) return { unreadable: "it is no plain file" };
      if (stat.size > outputLimit)
        return { unreadable: `it has ${stat.size} bytes; at most ${outputLimit} are allowed` };
      return { written: readFileSync(file, "utf8") };
    } catch (error) {
      const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
      return { unreadable: code === "ELOOP" ? "it is a link" : message };
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** It may hand over artifacts: there are patterns of them, or something in the file that tells of them. */
  mayHandOver() {
    const { hasArtifacts, artifactsFile } = this.#launch;
    return hasArtifacts || (lstatSync(artifactsFile, { throwIfNoEntry: false })?.size ?? 0) > 0;
  }

  async remove() {
    if (this.#isMade) await removeFiles(this.#launch);
  }
}

/**
 * Removes the folder of a command and its files, those that are there. Does not reject.
 *
 * @param {Launch} launch
 */
export async function removeFiles({ folder, files, outputFile, artifactsFile, user }) {
  for (const path of [...Object.keys(files), outputFile, artifactsFile].filter(isThere)) {
    try {
      unlinkSync(path);
    } catch {
      await isRemoved(path);
    }
  }
  try {
    // On some file systems this takes longer than all the rest of an attempt.
    await rmdir(folder);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") await removeAll(folder, user);
  }
}

/**
 * Removes a folder with all that is in it.
 *
 * @param {string} folder
 * @param {Launch["user"]} user Whose it is, if not ours; the folder above is.
 */
export async function removeAll(folder, user) {
  // Led by a link that was put in the right place at the right time, root would remove what is not that user's.
  if (user === undefined && (await isRemoved(folder))) return;
  // Its owner may have made a folder in it that not even its owner may look into.
  const script = 'chmod -R u+rwx -- "$0"; rm -rf -- "$0"';
  const as = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const remover = spawn("bash", ["-c", script, folder], { ...as, cwd: "/", stdio: "ignore" });
  await once(remover, "close").catch(() => undefined);
  // The folder above is ours alone. What is still there goes with that one.
  await rmdir(folder).catch(() => undefined);
}

/** @param {string} path */
function isThere(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** @param {string} path */
async function isRemoved(path) {
  try {
    await rm(path, { recursive: true });
    return true;
  } catch {
    return false;
  }
}
