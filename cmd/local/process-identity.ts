/** Tells a process from a later one with the same number. */
import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";

const run = promisify(execFile);

/** When a process was started, as text to compare, empty where that is not shown; `undefined` when it does not run. */
export async function startOf(pid: number): Promise<string | undefined> {
  return isThere(pid) ? (process.platform === "linux" ? fromProc(pid) : fromPs(pid)) : undefined;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** After the name, which may hold anything: the state, and as the 20th the time of its start in ticks. */
async function fromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // Another user's may be hidden, and run all the same.
  if (stat === undefined) return isThere(pid) ? "" : undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return isDead(fields[0]) ? undefined : fields[19];
}

async function fromPs(pid: number): Promise<string | undefined> {
  const { stdout } = await run("ps", ["-o", "state=,lstart=", "-p", String(pid)]).catch(() => ({
    stdout: "",
  }));
  const [state, ...start] = stdout.trim().split(/\s+/);
  if (state === undefined || state === "") return isThere(pid) ? "" : undefined;
  return isDead(state) ? undefined : start.join(" ");
}

/** A zombie has ended and waits for its parent to notice. */
function isDead(state = ""): boolean {
  return /^[ZX]/.test(state);
}

/** Where our process numbers mean anything: this start of this machine, and in it this container. */
export async function placeOfPids(): Promise<string> {
  const [boot, namespace] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => hostname()),
    readlink("/proc/self/ns/pid").catch(() => ""),
  ]);
  return `${boot.trim()} ${namespace}`.trim();
}
