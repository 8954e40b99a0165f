/**
 * Marks that tell whose something is that may outlive its process: a folder, a container. Host and process namespace
 * (containers may share what is marked and not their process ids), process id, and when the process began (ids come
 * again).
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

const NOT_KNOWN = "0";

/** Of every process that this one can see: host and process namespace. */
export const OUR_SIGHT = `${hostname().replaceAll(/[^A-Za-z0-9]/g, "_")}-${namespace()}`;

/** Of this process among those: `<pid>-<begin>`. */
export const OUR_PROCESS = `${process.pid}-${beginOf(process.pid) ?? NOT_KNOWN}`;

/** In the environment of a spawner: `OUR_PROCESS` of who has started it. */
export const SPAWNER_OF = "JETDAG_SPAWNER_OF";

/** Whether the process of this mark, in our sight, is dead. Where that cannot be told, it lives. */
export function isDead(mark: string): boolean {
  const [, pid, begin] = /^(\d+)-(\d+)$/.exec(mark) ?? [];
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
