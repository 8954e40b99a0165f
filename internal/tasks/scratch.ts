/**
 * Folders for the private files of tasks, all below one folder of this process. It goes with the process; what a
 * process left that was killed, the next worker removes, and ends what still runs of it. So its name tells whose it is: host, process namespace
 * (containers may share a folder and not their process ids), process id, and when the process began (ids come again).
 */
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { endLeftovers } from "./bash-guard.ts";

const NOT_KNOWN = "0";
/** Of every process in sight of this one. */
const PREFIX = `jetdag-${hostname().replaceAll(/[^A-Za-z0-9]/g, "_")}-${namespace()}-`;

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
  own ??= mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${beginOf(process.pid) ?? NOT_KNOWN}-`));
  return own;
}

/** `<pid>-<begin>-<random>` of a process that is dead. Where that cannot be told, it lives. */
function isLeft(rest: string): boolean {
  const [, pid, begin] = /^(\d+)-(\d+)-\w+$/.exec(rest) ?? [];
  if (pid === undefined || begin === undefined) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  const now = beginOf(Number(pid));
  return now !== undefined && begin !== NOT_KNOWN && now !== begin;
}

function namespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
  } catch {
    return NOT_KNOWN;
  }
}

/** When a process began, in the kernel's ticks since it started itself; only where the kernel shows its processes. */
function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The 22nd field; the second is the name, which may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
